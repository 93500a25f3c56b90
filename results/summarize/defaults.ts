/** A guest kernel keeps some of its RAM for itself: MemTotal of a 512 MiB guest is some 8–12 % below what it was given. */
export const MEMORY_PARITY_TOLERANCE = 0.15;
