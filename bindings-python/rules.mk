# Rules of the Python binding, included by the Makefile at the top.
