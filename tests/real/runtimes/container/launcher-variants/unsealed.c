/* In place of the launcher's seal (by the linker's --wrap): none. For the control of the test that attacks it. */
int __wrap_seal_self(char **argv);
int __wrap_seal_self(char **argv) { return argv == 0; }
