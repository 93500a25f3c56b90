/*
 * Plays records beneath a root directory. Threat: the records come from a layer somebody else made. The planner has refused
 * what is hostile; should it ever miss something, nothing here may leave the root: parents are opened with
 * openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV), last components are single names used with O_NOFOLLOW,
 * O_EXCL or AT_SYMLINK_NOFOLLOW, and everything is done on descriptors.
 */
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define INPUT_BYTES (1u << 18) /* stays in the L2 cache between read and write */
#define SOURCE_FD 3

static unsigned char input[INPUT_BYTES];
static size_t input_at, input_end;
static unsigned char chunk[INPUT_BYTES];

static char path[MAX_PATH_BYTES + 1], target[MAX_PATH_BYTES + 1], cached_parent[MAX_PATH_BYTES + 1];
static unsigned char xattr_block[MAX_XATTR_BYTES];
static uint64_t segments[2 * MAX_SEGMENTS];

static int root_fd = -1, cached_fd = -1;
static int as_user_xattrs, with_owner;
static uid_t own_uid;
static gid_t own_gid;
static uint64_t records, data_bytes, xattrs_refused, nodes_refused;

/* One line of JSON on standard error; bytes beyond ASCII as \u00xx, which is how the other end holds raw names. */
_Noreturn static void fail(const char *call, int error, const char *where)
{
    fprintf(stderr, "{\"record\":%llu,\"call\":\"%s\",\"errno\":%d,\"reason\":\"%s\",\"path\":\"",
            (unsigned long long)records, call, error, error ? strerror(error) : "malformed record");
    for (const unsigned char *c = (const unsigned char *)where; *c; c++) {
        if (*c < 0x20 || *c >= 0x7f || *c == '"' || *c == '\\')
            fprintf(stderr, "\\u%04x", *c);
        else
            fputc(*c, stderr);
    }
    fputs("\"}\n", stderr);
    exit(1);
}

/* Reads exactly `length` bytes of the stream; an early end is an error. */
static void take(void *into, size_t length)
{
    unsigned char *out = into;

    while (length > 0) {
        if (input_at == input_end) {
            ssize_t got = read(STDIN_FILENO, input, sizeof input);
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                fail("read", errno, "");
            if (got == 0)
                fail("stream ended early", EPIPE, path);
            input_at = 0;
            input_end = (size_t)got;
        }
        size_t part = input_end - input_at < length ? input_end - input_at : length;
        memcpy(out, input + input_at, part);
        input_at += part;
        out += part;
        length -= part;
    }
}

static void take_name(char *into, uint32_t length)
{
    if (length > MAX_PATH_BYTES)
        fail("path", 0, "");
    take(into, length);
    into[length] = 0;
    if (strlen(into) != length)
        fail("path", 0, into);
}

/* The directory that holds the last component of `name`, and that component. */
static int parent_of(const char *name, const char **last)
{
    const char *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;

    *last = slash ? slash + 1 : name;
    if (**last == 0 || !strcmp(*last, ".") || !strcmp(*last, ".."))
        fail("name", 0, name);
    if (length == 0 && !slash)
        return root_fd;
    if (cached_fd >= 0 && strlen(cached_parent) == length && !memcmp(cached_parent, name, length))
        return cached_fd;
    if (cached_fd >= 0)
        close(cached_fd);
    memcpy(cached_parent, name, length);
    cached_parent[length] = 0;
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    cached_fd = (int)syscall(SYS_openat2, root_fd, cached_parent, &how, sizeof how);
    if (cached_fd < 0)
        fail("openat2", errno, name);
    return cached_fd;
}

static void forget_parent(void)
{
    if (cached_fd >= 0)
        close(cached_fd);
    cached_fd = -1;
}

/* Calls `set` for each attribute in the block; a file system or user that cannot hold one is counted, not fatal. */
static void set_xattrs(const struct record *r, int fd, int parent, const char *last)
{
    char by_path[64 + 256], name[256];
    size_t at = 0;

    for (unsigned i = 0; i < r->xattrs; i++) {
        uint32_t lengths[2];
        if (r->xattr_length - at < sizeof lengths)
            fail("xattr", 0, path);
        memcpy(lengths, xattr_block + at, sizeof lengths);
        at += sizeof lengths;
        if (lengths[0] == 0 || lengths[0] >= sizeof name || lengths[0] > r->xattr_length - at ||
            lengths[1] > r->xattr_length - at - lengths[0])
            fail("xattr", 0, path);
        memcpy(name, xattr_block + at, lengths[0]);
        name[lengths[0]] = 0;
        const void *value = xattr_block + at + lengths[0];
        at += (size_t)lengths[0] + lengths[1];
        const char *use = name;
        if (as_user_xattrs && !strcmp(name, "trusted.overlay.opaque"))
            use = "user.overlay.opaque";
        int result;
        if (fd >= 0) {
            result = fsetxattr(fd, use, value, lengths[1], 0);
        } else {
            if (snprintf(by_path, sizeof by_path, "/proc/self/fd/%d/%s", parent, last) >= (int)sizeof by_path)
                fail("xattr", ENAMETOOLONG, path);
            result = lsetxattr(by_path, use, value, lengths[1], 0);
        }
        if (result == 0)
            continue;
        if ((errno != ENOTSUP && errno != EPERM) || !strcmp(name, "trusted.overlay.opaque"))
            fail("setxattr", errno, path);
        xattrs_refused++;
    }
}

/* Owner, then mode (chown clears setuid), then xattrs (chown clears file capabilities), then time. */
static void set_attributes(const struct record *r, int fd)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = r->mtime_sec, .tv_nsec = r->mtime_nsec}};

    if (with_owner && fchown(fd, r->uid, r->gid) < 0)
        fail("fchown", errno, path);
    if (fchmod(fd, r->mode & 07777) < 0)
        fail("fchmod", errno, path);
    set_xattrs(r, fd, -1, NULL);
    if (futimens(fd, times) < 0)
        fail("futimens", errno, path);
}

/* The same for a file just made with the permission bits of its record and owned by us: most need only the time. */
static void set_file_attributes(const struct record *r, int fd)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = r->mtime_sec, .tv_nsec = r->mtime_nsec}};
    int foreign = with_owner && (r->uid != own_uid || r->gid != own_gid);

    if (foreign && fchown(fd, r->uid, r->gid) < 0)
        fail("fchown", errno, path);
    if ((r->mode & 07000) && fchmod(fd, r->mode & 07777) < 0)
        fail("fchmod", errno, path);
    if (r->xattrs > 0)
        set_xattrs(r, fd, -1, NULL);
    if (futimens(fd, times) < 0)
        fail("futimens", errno, path);
}

/* The same for what cannot be opened: symbolic links and nodes. */
static void set_attributes_at(const struct record *r, int parent, const char *last)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = r->mtime_sec, .tv_nsec = r->mtime_nsec}};

    if (with_owner && fchownat(parent, last, r->uid, r->gid, AT_SYMLINK_NOFOLLOW) < 0)
        fail("fchownat", errno, path);
    if (!S_ISLNK(r->mode) && fchmodat(parent, last, r->mode & 07777, 0) < 0)
        fail("fchmodat", errno, path);
    set_xattrs(r, -1, parent, last);
    if (utimensat(parent, last, times, AT_SYMLINK_NOFOLLOW) < 0)
        fail("utimensat", errno, path);
}

static void write_all(int fd, const unsigned char *bytes, size_t length, uint64_t offset)
{
    while (length > 0) {
        ssize_t put = pwrite(fd, bytes, length, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            fail("write", errno, path);
        bytes += put;
        offset += (uint64_t)put;
        length -= (size_t)put;
    }
}

/* Moves `length` bytes of content, from the stream or from descriptor 3 at *source, to `offset` of the file. */
static void move(const struct record *r, int fd, uint64_t *source, uint64_t offset, uint64_t length)
{
    data_bytes += length;
    while (length > 0) {
        size_t part = length < sizeof chunk ? (size_t)length : sizeof chunk;
        if (r->flags & FLAG_REFERENCE) {
            ssize_t got = pread(SOURCE_FD, chunk, part, (off_t)*source);
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                fail("pread", got ? errno : EPIPE, path);
            part = (size_t)got;
            *source += part;
            write_all(fd, chunk, part, offset);
        } else if (input_at < input_end) {
            /* What is already in the input buffer is written from there, without another copy. */
            if (part > input_end - input_at)
                part = input_end - input_at;
            write_all(fd, input + input_at, part, offset);
            input_at += part;
        } else {
            ssize_t got = read(STDIN_FILENO, input, sizeof input);
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                fail("stream ended early", got ? errno : EPIPE, path);
            input_at = 0;
            input_end = (size_t)got;
            continue;
        }
        offset += part;
        length -= part;
    }
}

static void make_file(const struct record *r)
{
    const char *last;
    int parent = parent_of(path, &last);
    /* Made with its final mode where that needs no second call: nobody else can reach the tree, and files are many. */
    int fd = openat(parent, last, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, r->mode & 0777);
    uint64_t source = r->data_offset, total = 0;

    if (fd < 0)
        fail("openat", errno, path);
    if (r->flags & FLAG_SPARSE) {
        for (uint32_t i = 0; i < r->segments; i++) {
            uint64_t offset = segments[2 * i], length = segments[2 * i + 1];
            if (length > r->data_length - total || offset > r->size || length > r->size - offset)
                fail("segment", 0, path);
            move(r, fd, &source, offset, length);
            total += length;
        }
        if (total != r->data_length)
            fail("segment", 0, path);
        if (ftruncate(fd, (off_t)r->size) < 0)
            fail("ftruncate", errno, path);
    } else {
        if (r->data_length != r->size)
            fail("size", 0, path);
        move(r, fd, &source, 0, r->size);
    }
    set_file_attributes(r, fd);
    if (close(fd) < 0)
        fail("close", errno, path);
}

static void make_directory(void)
{
    const char *last;
    struct stat st;
    int parent = parent_of(path, &last);

    if (mkdirat(parent, last, 0700) == 0)
        return;
    if (errno != EEXIST)
        fail("mkdirat", errno, path);
    if (fstatat(parent, last, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
        fail("mkdirat", ENOTDIR, path);
}

static void make_node(const struct record *r)
{
    const char *last;
    int parent = parent_of(path, &last);
    mode_t type = r->mode & S_IFMT;

    if (type != S_IFCHR && type != S_IFBLK && type != S_IFIFO)
        fail("mknod", 0, path);
    if (mknodat(parent, last, type | 0600, makedev(r->rdev_major, r->rdev_minor)) < 0) {
        /* Whiteouts may be made by anybody; other devices by the host's root alone. A box has its own /dev anyway. */
        if (errno != EPERM || !as_user_xattrs || (type == S_IFCHR && r->rdev_major == 0 && r->rdev_minor == 0))
            fail("mknodat", errno, path);
        nodes_refused++;
        return;
    }
    set_attributes_at(r, parent, last);
}

static void make_hardlink(void)
{
    const char *last, *from;
    int parent, source;

    parent = parent_of(target, &from);
    source = parent == root_fd ? root_fd : dup(parent);
    if (source < 0)
        fail("dup", errno, path);
    parent = parent_of(path, &last);
    if (linkat(source, from, parent, last, 0) < 0)
        fail("linkat", errno, path);
    if (source != root_fd)
        close(source);
}

static void change_attributes(const struct record *r)
{
    const char *last;
    int parent, fd;

    if (path[0] == 0) {
        set_attributes(r, root_fd);
        return;
    }
    parent = parent_of(path, &last);
    fd = openat(parent, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fail("openat", errno, path);
    set_attributes(r, fd);
    close(fd);
}

/* Removes a tree by descriptor; never follows a link. */
static void remove_tree(int parent, const char *name)
{
    int fd;
    DIR *listing;
    struct dirent *entry;

    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return;
    if (errno != EISDIR && errno != EPERM)
        fail("unlinkat", errno, path);
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || !(listing = fdopendir(fd)))
        fail("openat", errno, path);
    while ((errno = 0, entry = readdir(listing))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            remove_tree(fd, entry->d_name);
    }
    if (errno)
        fail("readdir", errno, path);
    closedir(listing);
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
        fail("unlinkat", errno, path);
}

static void play(const struct record *r)
{
    const char *last;
    int parent;

    switch (r->kind) {
    case KIND_DIRECTORY:
        make_directory();
        break;
    case KIND_FILE:
        make_file(r);
        break;
    case KIND_SYMLINK:
        parent = parent_of(path, &last);
        if (symlinkat(target, parent, last) < 0)
            fail("symlinkat", errno, path);
        set_attributes_at(r, parent, last);
        break;
    case KIND_HARDLINK:
        make_hardlink();
        break;
    case KIND_NODE:
        make_node(r);
        break;
    case KIND_ATTRIBUTES:
        change_attributes(r);
        break;
    case KIND_REMOVE:
        parent = parent_of(path, &last);
        remove_tree(parent, last);
        forget_parent();
        break;
    default:
        fail("kind", 0, path);
    }
}

int apply(const char *root, int user_xattrs, int keep_owner, int sync_after)
{
    struct record r;

    as_user_xattrs = user_xattrs;
    with_owner = keep_owner;
    own_uid = geteuid();
    own_gid = getegid();
    root_fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root_fd < 0)
        fail("open", errno, root);
    for (;;) {
        take(&r, sizeof r);
        if (r.magic != RECORD_MAGIC || r.xattr_length > MAX_XATTR_BYTES || r.segments > MAX_SEGMENTS)
            fail("header", 0, path);
        if (r.kind == KIND_END)
            break;
        take_name(path, r.path_length);
        take_name(target, r.link_length);
        take(xattr_block, r.xattr_length);
        take(segments, r.segments * 2 * sizeof *segments);
        play(&r);
        records++;
    }
    if (sync_after && syncfs(root_fd) < 0)
        fail("syncfs", errno, root);
    printf("{\"records\":%llu,\"dataBytes\":%llu,\"xattrsRefused\":%llu,\"nodesRefused\":%llu}\n",
           (unsigned long long)records, (unsigned long long)data_bytes, (unsigned long long)xattrs_refused,
           (unsigned long long)nodes_refused);
    return fflush(stdout) ? 1 : 0;
}
