/*
 * A socket server in one small process: echoes every line in capitals, and answers a web browser. `server [port]`, 8080 by
 * default. As process 1 of a container it has no default signal actions, so it listens for SIGTERM and SIGINT itself
 * (signalfd), and ends at once and with status 0.
 */
#include "kernel.h"

#define MAX_CLIENTS 62
#define LINE 1024

struct client {
    int used;
    char line[LINE];
};

/* 0: signals, 1: the listening socket, then clients */
static struct pollfd watched[2 + MAX_CLIENTS] = {{.fd = -1, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
static struct client clients[MAX_CLIENTS];
static int count;

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = network_order((unsigned short)port)};
    int one = 1, fd = (int)KERNEL(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0);

    if (fd < 0)
        return -1;
    KERNEL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one, 0);
    if (KERNEL(bind, fd, &address, sizeof address, 0, 0, 0) < 0 || KERNEL(listen, fd, 64, 0, 0, 0, 0) < 0)
        return -1;
    return fd;
}

static int watch_signals(void)
{
    unsigned long mask = 1ul << (SIGTERM - 1) | 1ul << (SIGINT - 1) | 1ul << (SIGPIPE - 1);

    KERNEL(rt_sigprocmask, SIG_BLOCK, &mask, 0, sizeof mask, 0, 0);
    mask &= ~(1ul << (SIGPIPE - 1));
    return (int)KERNEL(signalfd4, -1, &mask, sizeof mask, 0, 0, 0);
}

static int is_get(const char *line, int used)
{
    return used >= 4 && line[0] == 'G' && line[1] == 'E' && line[2] == 'T' && line[3] == ' ';
}

/* Answers one line; 0 when the conversation is over. */
static int answer(int fd, char *line, int n)
{
    if (is_get(line, n)) {
        say(fd, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 41\r\n\r\nhello from a container without a library\n");
        return 0;
    }
    for (int i = 0; i < n; i++)
        if (line[i] >= 'a' && line[i] <= 'z')
            line[i] = (char)(line[i] - 'a' + 'A');
    return send_all(fd, line, (size)n) == 0;
}

/* Takes what a client sent and answers every whole line; 0 when the client is done with. */
static int serve(struct client *c, int fd)
{
    word got = KERNEL(read, fd, c->line + c->used, LINE - c->used, 0, 0, 0);
    int from = 0;

    if (got == -EINTR || got == -EAGAIN)
        return 1;
    if (got <= 0)
        return 0;
    c->used += (int)got;
    for (int i = 0; i < c->used; i++) {
        if (c->line[i] != '\n')
            continue;
        if (!answer(fd, c->line + from, i + 1 - from))
            return 0;
        from = i + 1;
    }
    if (from == 0 && c->used == LINE)
        return 0; /* a line too long for us */
    for (int i = from; i < c->used; i++)
        c->line[i - from] = c->line[i];
    c->used -= from;
    return 1;
}

static void welcome(int listener)
{
    int fd = (int)KERNEL(accept4, listener, 0, 0, SOCK_CLOEXEC, 0, 0);

    if (fd < 0)
        return;
    if (count == MAX_CLIENTS) {
        KERNEL(close, fd, 0, 0, 0, 0, 0);
        return;
    }
    watched[2 + count] = (struct pollfd){.fd = fd, .events = POLLIN};
    clients[count].used = 0;
    count++;
}

static void farewell(int i)
{
    KERNEL(close, watched[2 + i].fd, 0, 0, 0, 0, 0);
    count--;
    if (i == count)
        return;
    watched[2 + i] = watched[2 + count];
    clients[i] = clients[count];
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? port_of(argv[1]) : 8080;
    int listener = port < 0 ? -1 : listen_on(port);

    if (listener < 0) {
        say(2, "server: cannot listen on that port\n");
        return 1;
    }
    watched[0].fd = watch_signals();
    watched[1].fd = listener;
    say(1, "listening\n");
    for (;;) {
        word ready = KERNEL(ppoll, watched, 2 + count, 0, 0, 8, 0);
        if (ready == -EINTR)
            continue;
        if (ready < 0)
            return 1;
        if (watched[0].revents) {
            say(1, "stopping\n");
            return 0;
        }
        /* From the last to the first: a farewell moves the last one into the gap. */
        for (int i = count - 1; i >= 0; i--)
            if (watched[2 + i].revents && !serve(&clients[i], watched[2 + i].fd))
                farewell(i);
        if (watched[1].revents)
            welcome(listener);
    }
}
