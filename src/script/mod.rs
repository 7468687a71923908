//! Scripts and functions: programs in Lua that run inside the server, beside the data.

pub mod footprint;
