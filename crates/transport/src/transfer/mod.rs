//! Files and objects: uploads, downloads and copies that go fast, resume, and never half-arrive.

mod journal;
mod plan;
mod progress;
mod source;
mod throttle;
mod upload;

pub use journal::JournalFolder;
pub use plan::{MAX_OBJECT_SIZE, MAX_PART_SIZE, MIN_PART_SIZE, PartPlan};
pub use progress::Progress;
pub use source::FileIdentity;
pub use throttle::Throttle;
pub use upload::{
    DEFAULT_CONCURRENCY, DEFAULT_PART_SIZE, DEFAULT_THRESHOLD, OnFailure, UploadFile, UploadFileOutput,
};
