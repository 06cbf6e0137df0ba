//! nginx, if it is installed, serving files of the same sizes: the peer that everyone knows.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Running, free_address, wait_for};
use crate::load::READ_OBJECTS;

/// Starts nginx on files of `sizes`, and answers where it listens and which process works; none where there is no nginx.
///
/// # Errors
/// If the files cannot be written or nginx does not start.
pub(super) async fn start(
    folder: &Path,
    sizes: &[u64],
    bucket: &str,
) -> Result<Option<(Running, SocketAddr, u32)>, Box<dyn Error>> {
    if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
        eprintln!("nginx is not installed: its lines are left out");
        return Ok(None);
    }
    let files = folder.join("nginx").join(bucket);
    fs::create_dir_all(&files)?;
    for size in sizes {
        for number in 0..READ_OBJECTS {
            fs::write(files.join(format!("get-{size}-plain-{number}")), vec![b'x'; usize::try_from(*size)?])?;
        }
    }
    let address = free_address().await?;
    let path = folder.join("nginx.conf");
    fs::write(&path, configuration(folder, address))?;
    let child = Command::new("nginx").arg("-c").arg(&path).stdin(Stdio::null()).spawn()?;
    let running = Running(child);
    wait_for(address).await?;
    let pid = running.0.id();
    Ok(Some((running, address, pid)))
}

/// One process that serves and does not write a log: `daemon off` and `master_process off` keep it the child we know.
fn configuration(folder: &Path, address: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000;\n\
         client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n\
         uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
         open_file_cache max=1000 inactive=60s; default_type application/octet-stream;\n\
         server {{ listen {address}; root {folder}/nginx; }} }}\n"
    )
}
