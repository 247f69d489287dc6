//! The native module of the npm package `quorlock`: converts, calls, delivers, and nothing else.
//!
//! Every call goes through one [`Bridge`](bridge::Bridge) per JavaScript environment, and errors
//! travel as data: the TypeScript in `ts/` makes promises and errors of them.

mod answer;
mod bridge;
mod client;
mod election;
mod failure;
mod guard;
mod link;
mod options;
mod report;
mod ticket;
