//! `rm`: deletes objects.

use cos_transport::Client;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use super::Context;
use crate::args::list::Rm;
use crate::args::location::Location;
use crate::exit::{Exit, Tally};
use crate::failure::Failure;
use crate::output::human::Count;
use crate::output::{Names, Record};

pub(super) async fn run(context: &Context, args: Rm) -> Result<Exit, Failure> {
    if args.version_id.is_some() && args.locations.len() > 1 {
        return Err(Failure::usage(
            "a version belongs to one object, and several are given",
            "delete them one by one",
        ));
    }
    // Every name is read before anything is deleted.
    args.locations
        .iter()
        .try_for_each(|location| location.object().map(drop))?;
    let mut settings = context.settings()?;
    let jobs = settings.jobs();
    context
        .with_session(&mut settings, async |session| {
            let delete = |location| delete(session.client(), &args, location);
            let mut results = stream::iter(&args.locations).map(delete).buffered(jobs);
            let mut tally = Tally::default();
            while let Some((location, result)) = results.next().await {
                match result {
                    Ok(()) => {
                        tally.done();
                        context.output().record(&Removed {
                            removed: location.to_string(),
                            dry_run: args.dry_run.dry_run,
                        })?;
                    }
                    Err(failure) if args.locations.len() == 1 => return Err(failure),
                    Err(failure) => {
                        tally.failed(failure.exit());
                        context.output().item_failed(&location.to_string(), &failure);
                    }
                }
            }
            if tally.failed_count() > 0 {
                context.output().note(format_args!(
                    "{} not deleted",
                    Count(tally.failed_count(), "object")
                ));
            }
            Ok(tally.exit())
        })
        .await
}

async fn delete<'a>(
    client: &Client,
    args: &Rm,
    location: &'a Location,
) -> (&'a Location, Result<(), Failure>) {
    (location, try_delete(client, args, location).await)
}

async fn try_delete(client: &Client, args: &Rm, location: &Location) -> Result<(), Failure> {
    let key = location.object()?;
    let bucket = client.bucket(location.bucket.clone());
    // Deleting what is not there succeeds; somebody who mistyped a name wants to know.
    let mut head = bucket.head_object(key.clone());
    if let Some(version_id) = &args.version_id {
        head = head.version_id(version_id);
    }
    match head.send().await {
        Ok(_) => {}
        Err(error) if error.service().is_some_and(|error| error.status.as_u16() == 403) => {}
        Err(error) => return Err(super::object_failure(error, &location.bucket, &location.path)),
    }
    if args.dry_run.dry_run {
        return Ok(());
    }
    let mut request = bucket.delete_object(key);
    if let Some(version_id) = &args.version_id {
        request = request.version_id(version_id);
    }
    request.send().await?;
    Ok(())
}

#[derive(Serialize)]
struct Removed {
    removed: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl Record for Removed {
    fn human(&self, names: Names) -> String {
        let verb = if self.dry_run { "would delete" } else { "deleted" };
        format!("{verb} {}", names.show(&self.removed))
    }
}
