/*
 * main.c - the shadowcat binary.
 */
#include "config.h"

int
main(void)
{
	return 0;
}
