//! Tags of an object, and who may read it.

use cos_transport::Acl;
use cos_transport::wire::meta::{ALL_USERS, Grantee, Tagging};

use super::bench::{Needs, code, conform};

#[tokio::test]
async fn tags_are_set_replaced_and_removed() {
    conform(&[Needs::Tagging], async |bench| {
        let key = bench.put("o", "text").await;
        let tagging = |pairs: &[(&str, &str)]| Tagging {
            tags: pairs
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        };
        let get = || bench.bucket.get_object_tagging(&key);
        assert_eq!(get().await.unwrap(), Tagging::default());
        for tags in [
            tagging(&[("team", "blue"), ("stage", "1")]),
            tagging(&[("team", "red")]),
        ] {
            bench.bucket.put_object_tagging(&key, &tags).await.unwrap();
            let mut found = get().await.unwrap();
            found.tags.sort();
            let mut expected = tags;
            expected.tags.sort();
            assert_eq!(found, expected);
        }
        bench.bucket.delete_object_tagging(&key).await.unwrap();
        assert_eq!(get().await.unwrap(), Tagging::default());
        let missing = bench.key("missing");
        let tags = tagging(&[("a", "b")]);
        let refused = bench.bucket.put_object_tagging(&missing, &tags).await;
        assert_eq!(code(refused), "NoSuchKey");
    })
    .await;
}

#[tokio::test]
async fn access_is_said_with_the_object_and_changed_later() {
    conform(&[Needs::Acl], async |bench| {
        let key = bench.key("o");
        let put = bench.bucket.put_object(key.clone(), "text").acl(Acl::PublicRead);
        put.send().await.unwrap();
        let is_public = async || {
            let policy = bench.bucket.get_object_acl(&key).await.unwrap();
            assert!(!policy.owner.id.is_empty());
            let public = |grantee: &Grantee| matches!(grantee, Grantee::Group(uri) if uri == ALL_USERS);
            let mut public = policy.grants.iter().filter(|grant| public(&grant.grantee));
            public.any(|grant| grant.permission == "READ")
        };
        assert!(is_public().await);
        bench.bucket.put_object_acl(&key, Acl::Private).await.unwrap();
        assert!(!is_public().await);
        // What was read can be written back.
        bench.bucket.put_object_acl(&key, Acl::PublicRead).await.unwrap();
        let policy = bench.bucket.get_object_acl(&key).await.unwrap();
        bench.bucket.put_object_acl(&key, Acl::Private).await.unwrap();
        bench.bucket.put_object_grants(&key, &policy).await.unwrap();
        assert!(is_public().await);
    })
    .await;
}
