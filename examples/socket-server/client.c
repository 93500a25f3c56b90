/* The server's client: `client ADDRESS PORT TEXT` sends a line and prints the answer. Status 0 when there was one. */
#include "kernel.h"

/* Dotted decimal into network order; 0 when it is none. */
static int address_of(const char *text, unsigned char *out)
{
    for (int part = 0; part < 4; part++) {
        int value = 0, digits = 0;
        for (; *text >= '0' && *text <= '9'; text++, digits++)
            value = value * 10 + (*text - '0');
        if (digits < 1 || digits > 3 || value > 255 || *text != (part < 3 ? '.' : '\0'))
            return 0;
        out[part] = (unsigned char)value;
        text++;
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int port = argc == 4 ? port_of(argv[2]) : -1, fd;
    char answer[1024];

    if (port < 0 || !address_of(argv[1], (unsigned char *)&address.sin_addr)) {
        say(2, "usage: client ADDRESS PORT TEXT\n");
        return 2;
    }
    address.sin_port = network_order((unsigned short)port);
    fd = (int)KERNEL(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0);
    if (fd < 0 || KERNEL(connect, fd, &address, sizeof address, 0, 0, 0) < 0) {
        say(2, "client: cannot connect\n");
        return 1;
    }
    if (send_all(fd, argv[3], length_of(argv[3])) < 0 || send_all(fd, "\n", 1) < 0)
        return 1;
    for (;;) {
        word got = KERNEL(read, fd, answer, sizeof answer, 0, 0, 0);
        if (got == -EINTR)
            continue;
        if (got <= 0)
            return 1;
        send_all(1, answer, (size)got);
        if (answer[got - 1] == '\n')
            return 0;
    }
}
