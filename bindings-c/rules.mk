# Rules of the C binding, included by the Makefile at the top.
