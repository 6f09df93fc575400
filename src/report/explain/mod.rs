//! What logs and statuses mean, for people and for programs.

pub mod json;
pub mod terminal;
pub mod v1;

#[cfg(test)]
mod sample;
