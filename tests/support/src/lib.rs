//! Real servers, a TCP fault proxy and a lying server for Quorlock's tests.
