/**
 * What is run inside the box to see what it sees; its arguments are the measuring tools. One `sh`, builtins wherever they
 * do (a process costs 10 ms and more in an emulated guest), and of programs only nproc, sha256sum and systemd-detect-virt
 * where there is one. Prints `key=value` lines, and `end=` last, so that a cut-off answer is seen.
 */
export const INSIDE_SCRIPT = `
set -u
first() {
  line=
  if [ -r "$1" ]; then IFS= read -r line < "$1" || :; fi 2> /dev/null
  printf '%s' "$line"
}
echo "nproc=$(nproc)"
while read -r key value _; do
  case $key in MemTotal:) echo "memTotalKiB=$value"; break ;; esac
done < /proc/meminfo
model= flags=
while IFS= read -r line; do
  case $line in
    'model name'*:*) [ -n "$model" ] || model=\${line#*: } ;;
    'flags'*:*|'Features'*:*) [ -n "$flags" ] || flags=\${line#*: } ;;
    'CPU part'*:*) [ -n "$model" ] || model="part \${line#*: }" ;;
    '') [ -n "$flags" ] && break ;;
  esac
done < /proc/cpuinfo
echo "cpuModel=$model"
echo "cpuFlags=$flags"
clock=/sys/devices/system/clocksource/clocksource0
echo "clocksource=$(first $clock/current_clocksource)"
echo "clocksources=$(first $clock/available_clocksource)"
echo "vendor=$(first /sys/class/dmi/id/sys_vendor)"
echo "product=$(first /sys/class/dmi/id/product_name)"
echo "hypervisor=$(first /sys/hypervisor/type)"
if command -v systemd-detect-virt > /dev/null 2>&1; then
  echo "detected=$(systemd-detect-virt --vm 2> /dev/null)"
else
  echo "detected="
fi
echo "kernel=$(first /proc/sys/kernel/osrelease)"
limit=
while IFS=: read -r _ controllers path; do
  case ",$controllers," in
    *,memory,*) for folder in "/sys/fs/cgroup/memory$path" /sys/fs/cgroup/memory; do
        [ -z "$limit" ] && limit=$(first "$folder"/memory.limit_in_bytes)
      done ;;
    ,,) for folder in "/sys/fs/cgroup$path" /sys/fs/cgroup; do
        [ -z "$limit" ] && limit=$(first "$folder"/memory.max)
      done ;;
  esac
done < /proc/self/cgroup
echo "memoryLimit=$limit"
for tool; do
  path=$(command -v "$tool") || path=
  if [ -n "$path" ]; then
    sum=$(sha256sum < "$path")
    echo "tool=$tool \${sum%% *}"
  else
    echo "tool=$tool missing"
  fi
done
echo "end="
`;
