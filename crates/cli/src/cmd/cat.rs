//! `cat`: decrypts an object to stdout.

use super::Context;
use super::get::warn_unauthenticated;
use super::read::Reader;
use crate::args::transfer::Cat;
use crate::connect::key_ring;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) async fn run(context: &Context, args: Cat) -> Result<Exit, Failure> {
    let key = args.source.object()?;
    let mut settings = context.settings()?;
    let keys = key_ring(&settings)?;
    context
        .with_session(&mut settings, async |session| {
            let reader = Reader::new(session, keys, &args.source, args.read, context.output());
            let head = reader.to_stdout(key).await?;
            warn_unauthenticated(context, &head, &args.source.to_string());
            Ok(Exit::Done)
        })
        .await
}
