/*
 * Writes one record per entry of a tree, the root itself first, each directory's entries in byte order: Node can neither
 * read extended attributes nor find holes. Nothing is followed and nothing is changed.
 */
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static char path[MAX_PATH_BYTES + 1];
static char names[65536];
static unsigned char block[MAX_XATTR_BYTES];
static uint64_t segments[2 * MAX_SEGMENTS];

_Noreturn static void fail(const char *call, int error)
{
    fprintf(stderr, "{\"record\":0,\"call\":\"%s\",\"errno\":%d,\"reason\":\"%s\",\"path\":\"", call, error,
            strerror(error));
    for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
        if (*c < 0x20 || *c >= 0x7f || *c == '"' || *c == '\\')
            fprintf(stderr, "\\u%04x", *c);
        else
            fputc(*c, stderr);
    }
    fputs("\"}\n", stderr);
    exit(1);
}

static void put(const void *bytes, size_t length)
{
    if (length > 0 && fwrite(bytes, length, 1, stdout) != 1)
        fail("write", errno);
}

/* Fills the block with name/value pairs; returns how many. Files that vanish or refuse to tell have none. */
static unsigned read_xattrs(int parent, const char *name, uint32_t *length)
{
    char by_path[64 + 256];
    unsigned count = 0;
    size_t at = 0;
    ssize_t listed;

    *length = 0;
    if (snprintf(by_path, sizeof by_path, "/proc/self/fd/%d/%s", parent, name) >= (int)sizeof by_path)
        fail("listxattr", ENAMETOOLONG);
    listed = llistxattr(by_path, names, sizeof names);
    if (listed < 0) {
        if (errno == ENOTSUP || errno == EPERM)
            return 0;
        fail("listxattr", errno);
    }
    for (char *each = names; each < names + listed; each += strlen(each) + 1) {
        uint32_t lengths[2] = {(uint32_t)strlen(each), 0};
        size_t head = sizeof lengths + lengths[0];
        if (sizeof block - at < head)
            fail("xattr", E2BIG);
        ssize_t value = lgetxattr(by_path, each, block + at + head, sizeof block - at - head);
        if (value < 0) {
            if (errno == ENODATA || errno == ENOTSUP || errno == EPERM || errno == EACCES)
                continue;
            fail("getxattr", errno);
        }
        lengths[1] = (uint32_t)value;
        memcpy(block + at, lengths, sizeof lengths);
        memcpy(block + at + sizeof lengths, each, lengths[0]);
        at += head + (size_t)value;
        count++;
    }
    *length = (uint32_t)at;
    return count;
}

/* Where the data of a file with holes lies. A file in too many pieces is taken as one without holes. */
static void read_segments(int parent, const char *name, struct record *r)
{
    int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    off_t at = 0, size = (off_t)r->size;
    uint32_t count = 0;
    uint64_t total = 0;

    if (fd < 0)
        fail("openat", errno);
    while (at < size) {
        off_t data = lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        if (data < 0 || hole < 0 || count == MAX_SEGMENTS) {
            close(fd);
            return;
        }
        if (hole > size)
            hole = size;
        segments[2 * count] = (uint64_t)data;
        segments[2 * count + 1] = (uint64_t)(hole - data);
        total += (uint64_t)(hole - data);
        count++;
        at = hole;
    }
    close(fd);
    if (total == r->size)
        return;
    r->flags |= FLAG_SPARSE;
    r->segments = count;
    r->data_length = total;
}

static void emit(int parent, const char *name, const struct stat *st)
{
    static char target[MAX_PATH_BYTES + 1];
    struct record r = {
        .magic = RECORD_MAGIC,
        .mode = st->st_mode,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .mtime_sec = st->st_mtim.tv_sec,
        .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
        .dev = st->st_dev,
        .ino = st->st_ino,
        .nlink = (uint32_t)st->st_nlink,
        .path_length = (uint32_t)strlen(path),
    };

    if (S_ISDIR(st->st_mode)) {
        r.kind = KIND_DIRECTORY;
    } else if (S_ISREG(st->st_mode)) {
        r.kind = KIND_FILE;
        r.size = r.data_length = (uint64_t)st->st_size;
        if ((uint64_t)st->st_blocks * 512 < r.size)
            read_segments(parent, name, &r);
    } else if (S_ISLNK(st->st_mode)) {
        r.kind = KIND_SYMLINK;
        ssize_t length = readlinkat(parent, name, target, MAX_PATH_BYTES);
        if (length < 0)
            fail("readlinkat", errno);
        r.link_length = (uint32_t)length;
    } else {
        /* Sockets come through as nodes too; the packer leaves them out. */
        r.kind = KIND_NODE;
        r.rdev_major = major(st->st_rdev);
        r.rdev_minor = minor(st->st_rdev);
    }
    r.xattrs = (uint16_t)read_xattrs(parent, name, &r.xattr_length);
    put(&r, sizeof r);
    put(path, r.path_length);
    put(target, r.link_length);
    put(block, r.xattr_length);
    put(segments, r.segments * 2 * sizeof *segments);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static void walk(int parent, const char *name)
{
    struct dirent **list;
    size_t length = strlen(path);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), count;

    if (fd < 0)
        fail("openat", errno);
    count = scandirat(fd, ".", &list, not_dots, by_bytes);
    if (count < 0)
        fail("readdir", errno);
    for (int i = 0; i < count; i++) {
        struct stat st;
        const char *each = list[i]->d_name;
        if (length + 1 + strlen(each) > MAX_PATH_BYTES)
            fail("path", ENAMETOOLONG);
        if (length > 0)
            path[length] = '/';
        strcpy(path + length + (length > 0), each);
        if (fstatat(fd, each, &st, AT_SYMLINK_NOFOLLOW) < 0)
            fail("fstatat", errno);
        emit(fd, each, &st);
        if (S_ISDIR(st.st_mode))
            walk(fd, each);
        path[length] = 0;
        free(list[i]);
    }
    free(list);
    close(fd);
}

int scan(const char *root)
{
    struct stat st;
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) < 0)
        fail("open", errno);
    emit(fd, ".", &st);
    walk(fd, ".");
    struct record end = {.magic = RECORD_MAGIC, .kind = KIND_END};
    put(&end, sizeof end);
    return fflush(stdout) ? 1 : 0;
}
