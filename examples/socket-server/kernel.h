/*
 * Just enough of Linux to do without a C library: the entry point and bare system calls, for x86-64 and aarch64. This is what
 * makes the image small: a static glibc program starts at 700 kB, of which a socket server uses almost nothing.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <asm/unistd.h>
#include <linux/in.h>
#include <linux/poll.h>
#include <linux/signal.h>
#include <linux/signalfd.h>
#include <linux/socket.h>
#include <linux/time_types.h>

typedef long word;
typedef unsigned long size;

/* The kernel's own headers leave these to the C library. */
enum { AF_INET = 2, SOCK_STREAM = 1, SOCK_CLOEXEC = 02000000, SOCK_NONBLOCK = 04000 };
enum { SOL_SOCKET = 1, SO_REUSEADDR = 2 };
enum { EINTR = 4, EAGAIN = 11 };

#if defined(__x86_64__)
static inline word kernel6(word n, word a, word b, word c, word d, word e, word f)
{
    register word r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = e;
    register word r9 __asm__("r9") = f;
    word result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
/* The stack pointer points at argc; the ABI wants it aligned to 16 before a call. */
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n\thlt\n");
#elif defined(__aarch64__)
static inline word kernel6(word n, word a, word b, word c, word d, word e, word f)
{
    register word x8 __asm__("x8") = n;
    register word x0 __asm__("x0") = a;
    register word x1 __asm__("x1") = b;
    register word x2 __asm__("x2") = c;
    register word x3 __asm__("x3") = d;
    register word x4 __asm__("x4") = e;
    register word x5 __asm__("x5") = f;

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tand sp, x0, #-16\n\tbl begin\n\tbrk #0\n");
#else
#error "add the system call convention of this machine"
#endif

#define KERNEL(name, a, b, c, d, e, f)                                                                                 \
    kernel6(__NR_##name, (word)(a), (word)(b), (word)(c), (word)(d), (word)(e), (word)(f))

int main(int argc, char **argv);

/* Called by _start with the initial stack: argc, then argv. */
__attribute__((used)) static void begin(word *stack)
{
    int status = main((int)stack[0], (char **)(stack + 1));

    for (;;)
        KERNEL(exit_group, status, 0, 0, 0, 0, 0);
}

/* gcc may turn loops into calls of these two even without a library. */
__attribute__((used)) void *memcpy(void *to, const void *from, size n)
{
    for (size i = 0; i < n; i++)
        ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}

__attribute__((used)) void *memset(void *to, int byte, size n)
{
    for (size i = 0; i < n; i++)
        ((volatile char *)to)[i] = (char)byte;
    return to;
}

static inline size length_of(const char *text)
{
    size n = 0;

    while (text[n])
        n++;
    return n;
}

static inline unsigned short network_order(unsigned short host)
{
    return (unsigned short)((host << 8) | (host >> 8));
}

/* All of it, or a negative errno. */
static inline word send_all(int fd, const char *bytes, size n)
{
    while (n > 0) {
        word sent = KERNEL(write, fd, bytes, n, 0, 0, 0);
        if (sent == -EINTR)
            continue;
        if (sent <= 0)
            return sent;
        bytes += sent;
        n -= (size)sent;
    }
    return 0;
}

static inline void say(int fd, const char *text)
{
    send_all(fd, text, length_of(text));
}

/* A port number, or -1. */
static inline int port_of(const char *text)
{
    int port = 0;

    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        port = port * 10 + (*text - '0');
        if (port > 65535)
            return -1;
    }
    return port > 0 ? port : -1;
}

#endif
