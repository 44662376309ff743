//! Where requests go: the region's host names, another host, or loopback.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use super::{BucketName, NameError, ObjectKey, Region};
use crate::request::authority;

/// How a bucket is named in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// `https://BUCKET.host/KEY`.
    VirtualHosted,
    /// `https://host/BUCKET/KEY`.
    Path,
    /// `https://host/KEY`: the host is a domain of the bucket's own.
    CustomDomain,
}

/// The service's address.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
    /// Answers for the whole account, such as the list of buckets.
    service: Option<Url>,
    addressing: Addressing,
}

/// A request's address: what is sent, and the decoded path that is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Scheme, host and encoded path.
    pub url: Url,
    /// The path as the signature sees it: decoded, with its leading slash.
    pub signed_path: String,
}

impl Target {
    /// The same at the service's other domain, when this is a bucket's regional host.
    pub(crate) fn backup(&self) -> Option<Self> {
        let host = self.url.host_str()?;
        let ServiceHost::Bucket { name, .. } = ServiceHost::parse(host)? else {
            return None;
        };
        let mut url = self.url.clone();
        url.set_host(Some(&format!(
            "{}.{BACKUP_DOMAIN}",
            name.strip_suffix(DOMAIN)?.strip_suffix('.')?
        )))
        .ok()?;
        Some(Self {
            url,
            signed_path: self.signed_path.clone(),
        })
    }
}

/// The service's domain.
const DOMAIN: &str = "myqcloud.com";
/// The service's other domain.
const BACKUP_DOMAIN: &str = "tencentcos.cn";
/// The longest host name of a bucket in a region, in characters.
const MAX_HOST: usize = 60;

/// A host name of the service's own scheme, under either of its domains.
enum ServiceHost<'a> {
    /// `cos.accelerate.DOMAIN`, a bucket before it or not.
    Accelerated { domain: &'a str },
    /// `BUCKET.cos.REGION.DOMAIN`: whole, and from `cos` on.
    Bucket { name: &'a str, regional: &'a str },
}

impl<'a> ServiceHost<'a> {
    fn parse(host: &'a str) -> Option<Self> {
        let domain = [DOMAIN, BACKUP_DOMAIN]
            .into_iter()
            .find(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))?;
        let labels: Vec<&str> = host
            .strip_suffix(domain)?
            .trim_end_matches('.')
            .split('.')
            .collect();
        match labels.as_slice() {
            [.., "cos", "accelerate"] if labels.len() <= 3 => Some(Self::Accelerated { domain }),
            [bucket, "cos", _] => Some(Self::Bucket {
                name: host,
                regional: host.strip_prefix(bucket)?.strip_prefix('.')?,
            }),
            _ => None,
        }
    }
}

impl Endpoint {
    /// The public address of a region: `https://BUCKET.cos.REGION.myqcloud.com`.
    ///
    /// # Errors
    /// Never for a parsed region in practice; the URL library has the last word.
    pub fn region(region: &Region) -> Result<Self, NameError> {
        let mut endpoint = format!("https://cos.{region}.{DOMAIN}").parse::<Self>()?;
        endpoint.service = Url::parse(&format!("https://service.cos.{DOMAIN}")).ok();
        Ok(endpoint)
    }

    /// Decides how buckets are addressed, instead of the default for this host.
    #[must_use]
    pub fn with_addressing(mut self, addressing: Addressing) -> Self {
        self.addressing = addressing;
        self
    }

    /// How buckets are addressed.
    #[must_use]
    pub fn addressing(&self) -> Addressing {
        self.addressing
    }

    /// True when requests do not leave this computer.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.base.host())
    }

    /// Host, and port if it is not the scheme's own, with the bucket before it, however this endpoint is addressed:
    /// what the source of a copy is named by.
    #[must_use]
    pub fn virtual_host(&self, bucket: &BucketName) -> String {
        let authority = authority(&self.base);
        match authority.starts_with(&format!("{bucket}.")) {
            true => authority,
            false => format!("{bucket}.{authority}"),
        }
    }

    /// The address for the whole account: the region's, or the one of all regions where the endpoint is not regional.
    #[must_use]
    pub fn service(&self) -> Target {
        Target {
            url: self.service.clone().unwrap_or_else(|| self.base.clone()),
            signed_path: "/".to_owned(),
        }
    }

    /// The address of a bucket, or of an object in it.
    ///
    /// # Errors
    /// When bucket and host together make an impossible host name.
    pub fn target(&self, bucket: &BucketName, key: Option<&ObjectKey>) -> Result<Target, NameError> {
        let mut url = self.base.clone();
        let mut path = String::from("/");
        let mut signed_path = String::from("/");
        match self.addressing {
            Addressing::CustomDomain => {}
            Addressing::Path => {
                path = format!("/{bucket}/");
                signed_path.clone_from(&path);
            }
            Addressing::VirtualHosted => {
                let host = self.base.host_str().unwrap_or_default();
                // An address that names the bucket already is taken as it is.
                if !host.starts_with(&format!("{bucket}.")) {
                    let full = format!("{bucket}.{host}");
                    let refuse = |rule: &str| NameError::new("bucket name", bucket.as_str(), rule);
                    let is_regional = matches!(ServiceHost::parse(&full), Some(ServiceHost::Bucket { .. }));
                    if is_regional && full.ends_with(DOMAIN) && full.len() > MAX_HOST {
                        return Err(refuse(&format!(
                            "the host name {full} would have more than {MAX_HOST} characters"
                        )));
                    }
                    url.set_host(Some(&full))
                        .map_err(|_| refuse("it does not fit in front of this endpoint"))?;
                }
            }
        }
        if let Some(key) = key {
            path.push_str(&key.to_url_path());
            signed_path.push_str(key.as_str());
        }
        url.set_path(&path);
        Ok(Target { url, signed_path })
    }
}

fn is_loopback(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl FromStr for Endpoint {
    type Err = NameError;

    /// `https://host`, or `http://` on loopback. An address or `localhost` is addressed path-style, other hosts
    /// have the bucket put before them.
    fn from_str(value: &str) -> Result<Self, NameError> {
        let refuse = |rule: &str| NameError::new("endpoint", value, rule);
        let base =
            Url::parse(value).map_err(|_| refuse("write it as https://host or http://127.0.0.1:port"))?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(NameError::new(
                "endpoint",
                base.host_str().unwrap_or_default(),
                "it may not hold credentials",
            ));
        }
        if !matches!(base.path(), "" | "/") || base.query().is_some() || base.fragment().is_some() {
            return Err(refuse(
                "it is a scheme and a host, without a path; buckets and keys are given apart",
            ));
        }
        let is_address = match base.host() {
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(refuse("it has no host")),
        };
        match base.scheme() {
            "https" => {}
            "http" if is_loopback(base.host()) => {}
            "http" => {
                return Err(refuse(
                    "http:// is for loopback addresses; use https:// for other hosts",
                ));
            }
            _ => return Err(refuse("only https:// and, on loopback, http:// are possible")),
        }
        let addressing = if is_address {
            Addressing::Path
        } else {
            Addressing::VirtualHosted
        };
        // Neither a bucket's own host nor an accelerated one answers for the account.
        let service = match base.host_str().and_then(ServiceHost::parse) {
            Some(ServiceHost::Accelerated { domain }) => Some(format!("https://service.cos.{domain}")),
            Some(ServiceHost::Bucket { regional, .. }) => Some(format!("https://{regional}")),
            None => None,
        };
        let service = service.and_then(|url| Url::parse(&url).ok());
        Ok(Self {
            base,
            service,
            addressing,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.addressing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoint: &str, key: Option<&str>) -> String {
        let bucket = "examplebucket-1250000000".parse().unwrap();
        let key = key.map(|k| k.parse().unwrap());
        endpoint
            .parse::<Endpoint>()
            .unwrap()
            .target(&bucket, key.as_ref())
            .unwrap()
            .url
            .to_string()
    }

    #[test]
    fn a_region_puts_the_bucket_before_the_host() {
        let endpoint = Endpoint::region(&"ap-guangzhou".parse().unwrap()).unwrap();
        let target = endpoint
            .target(&"b-1".parse().unwrap(), Some(&"a b/é".parse().unwrap()))
            .unwrap();
        assert_eq!(
            target.url.as_str(),
            "https://b-1.cos.ap-guangzhou.myqcloud.com/a%20b/%C3%A9"
        );
        assert_eq!(target.signed_path, "/a b/é");
        assert_eq!(
            endpoint.service().url.as_str(),
            "https://service.cos.myqcloud.com/"
        );
    }

    #[test]
    fn the_account_has_its_own_address() {
        for (endpoint, service) in [
            (
                "https://cos.ap-guangzhou.myqcloud.com",
                "https://cos.ap-guangzhou.myqcloud.com/",
            ),
            (
                "https://cos.accelerate.myqcloud.com",
                "https://service.cos.myqcloud.com/",
            ),
            (
                "https://b-1.cos.accelerate.myqcloud.com",
                "https://service.cos.myqcloud.com/",
            ),
            (
                "https://b-1.cos.ap-seoul.tencentcos.cn",
                "https://cos.ap-seoul.tencentcos.cn/",
            ),
            (
                "https://cos-internal.ap-seoul.tencentcos.cn",
                "https://cos-internal.ap-seoul.tencentcos.cn/",
            ),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/"),
        ] {
            assert_eq!(
                endpoint.parse::<Endpoint>().unwrap().service().url.as_str(),
                service
            );
        }
    }

    #[test]
    fn a_regional_host_has_sixty_characters() {
        let target = |endpoint: &str, bucket: &str| {
            endpoint
                .parse::<Endpoint>()
                .unwrap()
                .target(&bucket.parse().unwrap(), None)
        };
        let region = "https://cos.ap-beijing.myqcloud.com";
        // The documentation's own example of the longest name.
        assert!(target(region, "123456789012345678901-1250000000").is_ok());
        let told = target(region, "1234567890123456789012-1250000000")
            .unwrap_err()
            .to_string();
        assert!(told.contains("60 characters"), "{told}");
        assert!(
            target(
                "https://cos.accelerate.myqcloud.com",
                "1234567890123456789012-1250000000"
            )
            .is_ok()
        );
        assert!(target("https://storage.example.com", "1234567890123456789012-1250000000").is_ok());
    }

    #[test]
    fn only_regional_hosts_have_a_backup() {
        let backup = |endpoint: &str| {
            let endpoint = endpoint.parse::<Endpoint>().unwrap();
            let target = endpoint
                .target(&"b-1".parse().unwrap(), Some(&"a b".parse().unwrap()))
                .unwrap();
            target
                .backup()
                .map(|target| (target.url.to_string(), target.signed_path))
        };
        let switched = "https://b-1.cos.ap-seoul.tencentcos.cn/a%20b".to_owned();
        assert_eq!(
            backup("https://cos.ap-seoul.myqcloud.com"),
            Some((switched, "/a b".to_owned()))
        );
        for kept in [
            "https://cos.accelerate.myqcloud.com",
            "https://cos-internal.ap-seoul.tencentcos.cn",
            "https://cos.ap-seoul.tencentcos.cn",
            "https://cos-website.ap-seoul.myqcloud.com",
            "https://example.com",
            "https://cos.ap-seoul.evilmyqcloud.com",
            "http://127.0.0.1:9",
        ] {
            assert_eq!(backup(kept), None, "{kept}");
        }
    }

    #[test]
    fn addresses_are_path_style() {
        assert_eq!(
            url("http://127.0.0.1:9000", Some("x/..y")),
            "http://127.0.0.1:9000/examplebucket-1250000000/x/..y"
        );
        assert_eq!(
            url("http://[::1]:9000/", None),
            "http://[::1]:9000/examplebucket-1250000000/"
        );
        assert_eq!(
            url("http://localhost:1", None),
            "http://localhost:1/examplebucket-1250000000/"
        );
        assert_eq!(
            url("https://10.0.0.7", None),
            "https://10.0.0.7/examplebucket-1250000000/"
        );
    }

    #[test]
    fn an_address_that_holds_the_bucket_is_kept() {
        let own = "https://examplebucket-1250000000.cos.accelerate.myqcloud.com";
        assert_eq!(url(own, None), format!("{own}/"));
        let domain = "https://files.example.com"
            .parse::<Endpoint>()
            .unwrap()
            .with_addressing(Addressing::CustomDomain);
        let target = domain
            .target(&"b-1".parse().unwrap(), Some(&"k".parse().unwrap()))
            .unwrap();
        assert_eq!(target.url.as_str(), "https://files.example.com/k");
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for bad in [
            "http://example.com",
            "ftp://localhost",
            "example.com",
            "https://",
            "https://u:p@example.com",
            "https://example.com/x",
            "https://example.com/?q",
            "http://10.0.0.1",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
        let told = "https://u:sesame@example.com"
            .parse::<Endpoint>()
            .unwrap_err()
            .to_string();
        assert!(!told.contains("sesame"), "{told}");
    }
}
