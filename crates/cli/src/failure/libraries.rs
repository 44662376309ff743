//! From the libraries' errors to failures: the one place where they get their exit codes.

use cos_encryption::ErrorKind;
use cos_encryption::keys::KeyError;
use cos_local::{CredentialsFileError, OpenError, StartError};
use cos_transport::{IntegrityError, NetworkError, ServiceError};

use super::{Concerns, Failure, plain, without_os_errors};
use crate::exit::Exit;
use crate::output::sanitize::sanitize_path;

impl From<cos_encryption::Error> for Failure {
    fn from(error: cos_encryption::Error) -> Self {
        use cos_encryption::Error;
        let exit = match (&error, error.kind()) {
            (Error::Transport(_), _) => {
                let Error::Transport(error) = error else {
                    return Self::new(Exit::Failed, error.to_string());
                };
                return error.into();
            }
            (
                Error::KeyFile {
                    error: KeyError::Exists,
                    ..
                },
                _,
            ) => Exit::Exists,
            (
                Error::KeyFile {
                    path,
                    error: KeyError::Io(error),
                },
                _,
            ) => {
                return Self::new(
                    Exit::Key,
                    format!("key file {}: {}", sanitize_path(path), plain(error)),
                );
            }
            // What should have come authenticated did not.
            (Error::NotEncrypted | Error::MalformedEnvelope { .. } | Error::Unauthenticated { .. }, _)
            | (_, ErrorKind::Authentication) => Exit::NotAuthentic,
            (_, ErrorKind::Key) => Exit::Key,
            (_, ErrorKind::Caller) => Exit::Usage,
            _ => Exit::Failed,
        };
        let help = match &error {
            Error::Unauthenticated { .. } => {
                Some("add --allow-unauthenticated if you trust everyone who can write to the bucket")
            }
            Error::Unsupported { .. } => Some("see what wrote it with: coscrypt inspect"),
            Error::NoKey { .. } => Some("give the key file of one of the keys that it needs with --key"),
            Error::KeyFile {
                error: KeyError::Missing,
                ..
            } => Some("check the path; keys are made by coscrypt key new only, never on the side"),
            Error::EnvelopeTampered { .. } => {
                Some("read it under the key it was written to; if it was not moved, restore it from a backup")
            }
            Error::RangeOutside { .. } => {
                Some("choose a range within the object; coscrypt stat tells its size")
            }
            error => error.help(),
        };
        let message = match &error {
            Error::Source(source) => format!("the data to encrypt could not be read: {}", plain(source)),
            Error::Spool(source) => {
                format!("the temporary file for encrypted data failed: {}", plain(source))
            }
            error => error.to_string(),
        };
        with_help(exit, message, help)
    }
}

impl From<cos_encryption::keys::KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        cos_encryption::Error::from(error).into()
    }
}

impl From<cos_transport::Error> for Failure {
    fn from(error: cos_transport::Error) -> Self {
        use cos_transport::Error;
        let exit = match &error {
            Error::Service(error) => exit_of(error),
            Error::InvalidInput(_) => Exit::Usage,
            Error::Integrity(IntegrityError::Upload { .. }) => Exit::Failed,
            Error::Integrity(_) => Exit::NotAuthentic,
            Error::Credentials(_) => Exit::NotPermitted,
            _ => Exit::Failed,
        };
        let message = match &error {
            Error::Source(source) => format!("the data to send could not be read: {}", plain(source)),
            error => error.to_string(),
        };
        with_help(exit, message, error.help()).concerning(concerns(&error))
    }
}

/// No network, no bucket or no valid credentials: there is no point in trying the next object.
fn concerns(error: &cos_transport::Error) -> Concerns {
    use cos_transport::Error;
    const FOR_ALL: [&str; 6] = [
        "NoSuchBucket",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "RequestTimeTooSkewed",
        "ExpiredToken",
        "InvalidToken",
    ];
    match error {
        Error::Network(NetworkError::Connect { .. }) | Error::Credentials(_) => Concerns::All,
        Error::Service(error) if FOR_ALL.contains(&error.code.as_str()) => Concerns::All,
        _ => Concerns::One,
    }
}

fn exit_of(error: &ServiceError) -> Exit {
    match (error.status.as_u16(), error.code.as_str()) {
        // An archived object: nothing about permissions, though the status says so.
        (_, "InvalidObjectState") => Exit::Failed,
        (401 | 403, _) => Exit::NotPermitted,
        (404, _) => Exit::NotFound,
        (416, _) => Exit::Usage,
        _ => Exit::Failed,
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let (exit, help) = match &error {
            StartError::Listen { source, .. } => match source.kind() {
                std::io::ErrorKind::AddrInUse => {
                    (Exit::Failed, "choose another port, or port 0 for any free one")
                }
                std::io::ErrorKind::PermissionDenied => (Exit::NotPermitted, "choose a port above 1023"),
                _ => (
                    Exit::Failed,
                    "choose an address of this machine, such as 127.0.0.1:0",
                ),
            },
            StartError::Open(OpenError::InUse { .. }) => (
                Exit::Failed,
                "stop the other process, or serve the folder once and use its endpoint for both",
            ),
            StartError::Open(OpenError::NotAStore { .. }) => {
                (Exit::Usage, "name a folder that does not exist yet")
            }
            StartError::Open(OpenError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                (
                    Exit::NotPermitted,
                    "check who owns the folder and its permissions",
                )
            }
            _ => (Exit::Failed, "see -v for more, or choose another folder"),
        };
        with_help(exit, error.to_string(), Some(help))
    }
}

impl From<CredentialsFileError> for Failure {
    fn from(error: CredentialsFileError) -> Self {
        let help = match &error {
            CredentialsFileError::Exposed { .. } => "only its owner may read it",
            _ => "or set COS_SECRET_ID and COS_SECRET_KEY",
        };
        with_help(Exit::NotPermitted, error.to_string(), Some(help))
    }
}

fn with_help(exit: Exit, message: String, help: Option<impl Into<String>>) -> Failure {
    let failure = Failure::new(exit, without_os_errors(&message));
    match help {
        Some(help) => failure.or_help(help),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use cos_encryption::Error;
    use cos_encryption::envelope::Binding;

    use super::*;

    fn exit(error: Error) -> Exit {
        Failure::from(error).exit()
    }

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        let tampered = Error::EnvelopeTampered {
            binding: Binding::Key,
        };
        assert_eq!(exit(tampered), Exit::NotAuthentic);
        assert_eq!(
            exit(Error::ContentTampered { start: 0, end: 1 }),
            Exit::NotAuthentic
        );
        assert_eq!(exit(Error::IllegalLength { length: 3 }), Exit::NotAuthentic);
        assert_eq!(exit(Error::NotEncrypted), Exit::NotAuthentic);
        assert_eq!(
            exit(Error::NoKey {
                wanted: vec![],
                held: vec![]
            }),
            Exit::Key
        );
        assert_eq!(exit(Error::Key(KeyError::NotAKey)), Exit::Key);
        assert_eq!(exit(Error::EmptyRange), Exit::Usage);
        assert_eq!(exit(Error::Random), Exit::Failed);
        let path = "k".into();
        assert_eq!(
            exit(Error::KeyFile {
                path,
                error: KeyError::Exists
            }),
            Exit::Exists
        );
        assert_eq!(
            exit(cos_transport::Error::InvalidInput("x".into()).into()),
            Exit::Usage
        );
        assert_eq!(
            exit(cos_transport::credentials::CredentialsError::Missing.into_error()),
            Exit::NotPermitted
        );
    }

    trait IntoError {
        fn into_error(self) -> Error;
    }

    impl IntoError for cos_transport::credentials::CredentialsError {
        fn into_error(self) -> Error {
            cos_transport::Error::from(self).into()
        }
    }

    #[test]
    fn an_unauthenticated_object_names_the_option() {
        let failure = Failure::from(Error::Unauthenticated {
            writer: "the Python SDK".into(),
        });
        assert!(failure.help().contains("--allow-unauthenticated"));
    }
}
