/*
 * The records that TypeScript (layer/record.ts) and this tool speak over a pipe: one per file system entry, in the machine's
 * own byte order, since both ends are one machine. After the fixed part follow: path, link target, extended attributes
 * (u32 name length, u32 value length, name, value; repeated), data segments (u64 offset, u64 length; repeated) and, for a
 * file whose content travels inline, its bytes.
 */
#ifndef TARE_RECORD_H
#define TARE_RECORD_H

#include <stdint.h>

#define RECORD_MAGIC 0x31524c54u /* "TLR1" */

enum record_kind {
    KIND_DIRECTORY = 1, /* made if absent; attributes come later by KIND_ATTRIBUTES */
    KIND_FILE = 2,
    KIND_SYMLINK = 3,
    KIND_HARDLINK = 4,
    KIND_NODE = 5, /* char, block, fifo or overlayfs whiteout, by mode and rdev */
    KIND_ATTRIBUTES = 6,
    KIND_REMOVE = 7, /* the path and all beneath it; absent is fine */
    KIND_END = 8,    /* without it the stream was cut short */
};

enum record_flag {
    FLAG_REFERENCE = 1, /* content lies in descriptor 3 at data_offset, not in the stream */
    FLAG_SPARSE = 2,    /* segments say where the data goes; the rest are holes */
};

struct record {
    uint32_t magic;
    uint8_t kind;
    uint8_t flags;
    uint16_t xattrs; /* how many */
    uint32_t mode;   /* type and permission bits, as in st_mode */
    uint32_t uid;
    uint32_t gid;
    uint32_t rdev_major;
    uint32_t rdev_minor;
    uint32_t mtime_nsec;
    int64_t mtime_sec;
    uint64_t size;        /* bytes of the file as it will be read */
    uint64_t data_length; /* bytes of content that are transported */
    uint64_t data_offset; /* with FLAG_REFERENCE */
    uint64_t dev;         /* scan only: identity, for hard links */
    uint64_t ino;
    uint32_t path_length;
    uint32_t link_length;
    uint32_t xattr_length;
    uint32_t segments;
    uint32_t nlink;
    uint32_t reserved;
};

_Static_assert(sizeof(struct record) == 104, "layer/record.ts counts on 104 bytes");

/* Limits of a sane record; the planner has narrower ones. */
#define MAX_PATH_BYTES 4096u
#define MAX_XATTR_BYTES (1u << 20)
#define MAX_SEGMENTS 65536u

int apply(const char *root, int user_xattrs, int keep_owner, int sync_after);
int scan(const char *root);

#endif
