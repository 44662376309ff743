//! `serve`: the local server, for other programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cos_local::{CREDENTIALS_FILE, Server, load_or_create_credentials};
use cos_transport::Credentials;
use cos_transport::credentials::CredentialsError;
use serde::Serialize;

use super::Context;
use crate::args::serve::Serve;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::sanitize::{path_text, sanitize_path};
use crate::output::{Names, Record};

/// Serves until it is told to stop.
pub(crate) async fn run(
    context: &Context,
    args: Serve,
    stop: impl Future<Output = ()>,
) -> Result<Exit, Failure> {
    if !args.listen.ip().is_loopback() {
        let message = format!(
            "{} is not on this machine alone: the server speaks HTTP without TLS",
            args.listen
        );
        return Err(Failure::usage(message, "listen on 127.0.0.1 or [::1]"));
    }
    let (credentials, kept_in) = match Credentials::from_env() {
        Ok(credentials) => (credentials, None),
        Err(CredentialsError::Missing) => {
            let credentials = load_or_create_credentials(&args.folder)?;
            let path = args.folder.join(CREDENTIALS_FILE);
            (credentials, Some(std::path::absolute(&path).unwrap_or(path)))
        }
        Err(error) => return Err(cos_transport::Error::from(error).into()),
    };
    let secret_id = credentials.secret_id().to_owned();
    let server = Server::new(&args.folder)
        .listen(args.listen)
        .credentials(credentials);
    let running = args
        .buckets
        .into_iter()
        .fold(server, Server::bucket)
        .start()
        .await?;
    let serving = Serving {
        endpoint: running.endpoint(),
        secret_id,
        credentials_file: kept_in,
    };
    match context.output().record(&serving) {
        // A reader that took the first line and left does not mean: stop.
        Err(failure) if failure.exit() != Exit::Done => return Err(failure),
        _ => {}
    }
    stop.await;
    context.output().note("stopping");
    running.shutdown().await;
    Ok(Exit::Done)
}

/// What a client needs to know. The secret itself is not shown.
#[derive(Serialize)]
struct Serving {
    endpoint: String,
    secret_id: String,
    #[serde(serialize_with = "as_text", skip_serializing_if = "Option::is_none")]
    credentials_file: Option<PathBuf>,
}

fn as_text<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(path_text).serialize(serializer)
}

impl Record for Serving {
    fn human(&self, _names: Names) -> String {
        let endpoint = &self.endpoint;
        let credentials = match &self.credentials_file {
            None => "credentials: those of this environment".to_owned(),
            Some(path) => {
                let file = shell_quoted(path);
                format!(
                    "credentials: kept in {}\n  export COS_SECRET_ID=$(sed -n 1p {file})\n  export COS_SECRET_KEY=$(sed -n 2p {file})",
                    sanitize_path(path)
                )
            }
        };
        format!("endpoint: {endpoint}\n  export COS_ENDPOINT={endpoint}\n{credentials}")
    }
}

/// As a shell reads it back; odd names are shown in the shell's `$'…'` form.
fn shell_quoted(path: &Path) -> String {
    let name: &OsStr = path.as_os_str();
    let safe = sanitize_path(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    match name.to_str() {
        Some(text) if text.chars().all(is_plain) => text.to_owned(),
        Some(text) if text == safe => format!("'{}'", text.replace('\'', r"'\''")),
        _ => format!("$'{}'", safe.replace('\'', r"\'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_the_shell() {
        assert_eq!(
            shell_quoted(Path::new("/a/store/credentials")),
            "/a/store/credentials"
        );
        assert_eq!(shell_quoted(Path::new("/my store/it's")), r"'/my store/it'\''s'");
    }
}
