//! The server under load, as the command line names it, and who asks it.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use http::Uri;

use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::secret::SecretKey;

use crate::drive::Watched;
use crate::endpoint::{Endpoint, Trust};
use crate::mode::Speech;

/// The server, and who asks.
#[derive(Args)]
pub struct Server {
    /// The server, such as http://127.0.0.1:9000.
    #[arg(long, default_value = "http://127.0.0.1:9000")]
    endpoint: Uri,
    /// The dialect to speak.
    #[arg(long, value_enum, default_value = "obs")]
    pub dialect: Speech,
    /// The bucket to use, made if it is not there; by default one of the command's own.
    #[arg(long)]
    bucket: Option<String>,
    /// The access key.
    #[arg(long, env = "STRONGROOM_ROOT_ACCESS_KEY")]
    access_key: String,
    /// Its secret; better given in the environment, where no other user sees it.
    #[arg(long, env = "STRONGROOM_ROOT_SECRET_KEY", hide_env_values = true)]
    secret_key: String,
    /// The region to sign for.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Certificates of authorities to believe over HTTPS, such as the server's data/tls/ca.pem; by default the system's.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Master keys that SSE-KMS writes name in turn; by default none, which is the default key.
    #[arg(long, value_delimiter = ',')]
    master_keys: Vec<String>,
    /// The server's process, for its CPU time and memory.
    #[arg(long)]
    pub pid: Option<u32>,
}

impl Server {
    /// The server, with a bucket for the load: the one that was asked for, else `bucket`.
    ///
    /// # Errors
    /// Names that are none, certificates that cannot be read, a bucket that cannot be made.
    pub async fn open(&self, bucket: &str) -> Result<Endpoint, Box<dyn Error>> {
        let access_key = AccessKeyId::parse(&self.access_key).map_err(|why| format!("the access key is {why}"))?;
        let region = Region::parse(&self.region).map_err(|why| format!("the region is {why}"))?;
        let trust = Trust { access_key, secret: SecretKey::new(self.secret_key.clone()), region, ca: self.ca.clone() };
        let bucket = self.bucket.clone().unwrap_or_else(|| bucket.to_owned());
        let endpoint = Endpoint::new(self.endpoint.clone(), self.dialect, bucket, trust)?;
        let endpoint = endpoint.with_master_keys(self.master_keys.clone());
        endpoint.create_bucket().await?;
        Ok(endpoint)
    }

    /// Where its costs can be read, besides its metrics.
    pub fn watched(&self, metrics: Option<String>) -> Watched {
        Watched { pid: self.pid, metrics }
    }
}
