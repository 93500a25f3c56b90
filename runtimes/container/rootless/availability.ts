/** Settings of the kernel that decide whether an ordinary user may make a user namespace; null where there is no such setting. */
export interface NamespaceSettings {
  /** /proc/sys/user/max_user_namespaces */
  maxUserNamespaces: string | null;
  /** /proc/sys/kernel/unprivileged_userns_clone (Debian's and Arch's) */
  unprivilegedClone: string | null;
  /** /proc/sys/kernel/apparmor_restrict_unprivileged_userns (Ubuntu's from 23.10 on) */
  apparmorRestricts: string | null;
  /** Whether /proc/self/ns/user exists: the kernel was built with user namespaces. */
  supported: boolean;
}

export interface Refusal {
  reason: string;
  remedy: string;
}

/** Why a user namespace cannot be had, or null when nothing speaks against it. */
export function namespaceRefusal(settings: NamespaceSettings): Refusal | null {
  if (!settings.supported)
    return {
      reason: 'the kernel has no user namespaces',
      remedy: 'run as root, or use a kernel with CONFIG_USER_NS',
    };
  if (settings.maxUserNamespaces?.trim() === '0')
    return {
      reason: 'user namespaces are switched off (user.max_user_namespaces is 0)',
      remedy: 'as root: sysctl user.max_user_namespaces=15000',
    };
  if (settings.unprivilegedClone?.trim() === '0')
    return {
      reason: 'user namespaces are reserved for root (kernel.unprivileged_userns_clone is 0)',
      remedy: 'as root: sysctl kernel.unprivileged_userns_clone=1',
    };
  if (settings.apparmorRestricts?.trim() === '1')
    return {
      reason:
        'AppArmor takes all rights away in user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)',
      remedy: 'as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0',
    };
  return null;
}
