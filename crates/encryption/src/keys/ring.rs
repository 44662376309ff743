//! Several keys, and the one that an object needs.

use std::sync::Arc;

use super::{KeyId, KeyProvider, LoadedKey, WrapScheme};
use crate::Error;
use crate::envelope::sealed::Recipient;

/// The keys at hand, in order. New objects are encrypted to all of them; an object is opened with the one it names.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(Vec<Arc<dyn KeyProvider>>);

impl KeyRing {
    /// A ring without keys: it opens nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A ring of one key.
    #[must_use]
    pub fn of(provider: impl KeyProvider + 'static) -> Self {
        let mut ring = Self::new();
        ring.add(Arc::new(provider));
        ring
    }

    /// Adds a key. The same key is kept once: its private half when both halves are given.
    pub fn add(&mut self, provider: Arc<dyn KeyProvider>) {
        let same = self
            .0
            .iter_mut()
            .find(|known| known.key_id() == provider.key_id());
        match same {
            None => self.0.push(provider),
            Some(known) if can_decrypt(&*provider) && !can_decrypt(&**known) => *known = provider,
            Some(_) => {}
        }
    }

    /// The keys, in order.
    pub fn providers(&self) -> impl Iterator<Item = &dyn KeyProvider> {
        self.0.iter().map(|provider| &**provider)
    }

    /// The keys, in order, to be shared or put in another ring.
    #[must_use]
    pub fn as_slice(&self) -> &[Arc<dyn KeyProvider>] {
        &self.0
    }

    /// The keys' names, in order.
    #[must_use]
    pub fn key_ids(&self) -> Vec<KeyId> {
        self.0.iter().map(|provider| provider.key_id()).collect()
    }

    /// How many keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that can unwrap in this scheme.
    pub fn able_to_unwrap(&self, scheme: WrapScheme) -> impl Iterator<Item = &dyn KeyProvider> {
        self.providers()
            .filter(move |provider| provider.can_unwrap(scheme))
    }

    /// The first recipient whose key is here and can decrypt.
    pub(crate) fn find_recipient<'r>(
        &self,
        recipients: &'r [Recipient],
    ) -> Result<(&'r Recipient, &dyn KeyProvider), Error> {
        let mut unable = None;
        for recipient in recipients {
            let named = self
                .providers()
                .find(|provider| provider.key_id() == recipient.key_id());
            match named {
                Some(provider) if provider.can_unwrap(recipient.scheme()) => {
                    return Ok((recipient, provider));
                }
                Some(provider) => unable = unable.or(Some((recipient, provider))),
                None => {}
            }
        }
        Err(match unable {
            Some((recipient, provider)) => cannot_unwrap(recipient, provider),
            None => Error::NoKey {
                wanted: recipients.iter().map(Recipient::key_id).collect(),
                held: self.key_ids(),
            },
        })
    }
}

impl<P: KeyProvider + 'static> From<P> for KeyRing {
    fn from(provider: P) -> Self {
        Self::of(provider)
    }
}

impl FromIterator<Arc<dyn KeyProvider>> for KeyRing {
    fn from_iter<I: IntoIterator<Item = Arc<dyn KeyProvider>>>(providers: I) -> Self {
        let mut ring = Self::new();
        providers.into_iter().for_each(|provider| ring.add(provider));
        ring
    }
}

impl From<LoadedKey> for KeyRing {
    fn from(key: LoadedKey) -> Self {
        Self::from_iter([key.into_provider()])
    }
}

fn can_decrypt(provider: &dyn KeyProvider) -> bool {
    WrapScheme::ALL.iter().any(|scheme| provider.can_unwrap(*scheme))
}

/// The key is the right one, and still does not do.
fn cannot_unwrap(recipient: &Recipient, provider: &dyn KeyProvider) -> Error {
    let key_id = provider.key_id();
    if can_decrypt(provider) {
        let reason = format!("it cannot unwrap {}", recipient.scheme().name());
        return Error::KeyUnsuitable { key_id, reason };
    }
    Error::PublicKeyOnly { key_id }
}

#[cfg(test)]
mod tests;
