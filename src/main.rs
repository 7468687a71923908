//! The `larder` program: parses its arguments, starts the server, waits for the signal to stop.

fn main() {}
