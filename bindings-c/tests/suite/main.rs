//! The binding as C programs see it: compiled with the C compiler against the header and the shared
//! library, run over the embedded node and over real servers.

mod abi;
mod behaviour;
mod examples;
mod header;
mod installed;
mod matrix;
mod memory;
mod program;
