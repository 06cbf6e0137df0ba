//! A process: listen, wire things up, show.

// Each connection keeps the future of its request, and copies it on its way in.
#![warn(clippy::large_futures)]

mod admin;
mod app;
mod authenticate;
mod body;
mod clock;
mod command;
mod config;
mod entropy;
mod files;
mod identity_service;
mod identity_tokens;
mod key_service;
mod late;
mod listen;
mod metrics;
mod nonces;
mod pipeline;
mod response;
mod task;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    Box::pin(command::CommandLine::parse().run()).await
}
