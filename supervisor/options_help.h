/*
 * options_help.h - what shadowcat --help and --version show.
 */
#ifndef SUPERVISOR_OPTIONS_HELP_H
#define SUPERVISOR_OPTIONS_HELP_H

#include <stdio.h>

/* How to call the program, its options, and the keys with their defaults. */
void options_write_help(FILE *out);

/* The program's name and version. */
void options_write_version(FILE *out);

#endif
