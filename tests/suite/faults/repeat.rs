//! Several surveys of one server.
