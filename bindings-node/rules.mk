# Rules of the Node binding, included by the Makefile at the top.
