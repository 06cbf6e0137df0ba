//! Lines to paste: the three SDKs, set up for this server.

use super::welcome::Endpoints;

/// The lines for all three SDKs. The secret stays out of them; they take it from the environment.
pub(super) fn lines(endpoints: &Endpoints, region: &str) -> String {
    let Some(url) = endpoints.http.as_ref().or(endpoints.https.as_ref()) else { return String::new() };
    let id = r#"os.environ["STRONGROOM_ROOT_ACCESS_KEY"]"#;
    let secret = r#"os.environ["STRONGROOM_ROOT_SECRET_KEY"]"#;
    format!(
        r#"  # OBS: pip install esdk-obs-python
  import os, obs
  client = obs.ObsClient({id}, {secret}, server="{url}")

  # OSS: pip install oss2
  import os, oss2
  auth = oss2.AuthV4({id}, {secret})
  bucket = oss2.Bucket(auth, "{url}", "BUCKET", region="{region}")

  # S3: pip install boto3
  import os, boto3
  s3 = boto3.client("s3", endpoint_url="{url}", region_name="{region}",
                    aws_access_key_id={id}, aws_secret_access_key={secret})
"#
    )
}
