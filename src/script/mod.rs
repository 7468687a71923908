//! Scripts: what runs inside the server on a client's behalf.
//!
//! `lua` is the world a script sees: its libraries, its protected globals and its limits. It knows nothing of servers, keys or
//! sessions; what connects a script with them is built on top of it.

pub mod lua;
