//! What a token must say, and who must have signed it.

use jsonwebtoken::jwk::AlgorithmParameters;

use super::*;

#[tokio::test]
async fn tokens_of_every_family_are_accepted() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::RS256, Algorithm::PS512, Algorithm::EdDSA] {
        let signer = Signer::new(algorithm);
        let provider = Provider::start(&[signer.jwk("k1")]).await;
        let issuers = provider.issuers();
        let identity = Identity {
            issuer: provider.issuer.clone(),
            subject: "ann".to_owned(),
            groups: vec!["billing".to_owned(), "readers".to_owned()],
        };
        for kid in [Some("k1"), None] {
            let token = signer.sign(kid, &provider.claims());
            assert!(issuers.names_issuer_of(&token));
            assert_eq!(issuers.verify(&token, NOW_MS).await, Ok(identity.clone()), "{algorithm:?} {kid:?}");
        }
        assert_eq!((provider.discovery_reads(), provider.key_reads()), (1, 1));
    }
}

#[tokio::test]
async fn settings_choose_the_claims_and_the_place_of_the_discovery_document() {
    let (provider, _, signer) = usual().await;
    let mut settings = provider.settings();
    settings.subject_claim = "oid".to_owned();
    settings.groups_claim = "roles".to_owned();
    settings.issuer = "https://sts.example/{tenantid}/".to_owned();
    settings.discovery = Some(format!("{}/.well-known/openid-configuration?appid=1", provider.issuer));
    provider.describe(&settings.issuer, &format!("{}/keys", provider.issuer));
    let mut claims = provider.claims_with("iss", json!(settings.issuer));
    claims["oid"] = json!("7d1c");
    claims["roles"] = json!(["a"]);
    let identity = issuers(settings).verify(&signer.sign(Some("k1"), &claims), NOW_MS).await.unwrap();
    assert_eq!((identity.subject.as_str(), identity.groups.as_slice()), ("7d1c", ["a".to_owned()].as_slice()));
}

#[tokio::test]
async fn what_is_altered_or_signed_by_another_key_is_refused() {
    let (provider, issuers, signer) = usual().await;
    let token = signer.sign(Some("k1"), &provider.claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = URL_SAFE_NO_PAD.encode(provider.claims_with("sub", json!("bob")).to_string());
    let first = if signature.starts_with('A') { "B" } else { "A" };
    for altered in [
        format!("{header}.{other}.{signature}"),
        format!("{header}.{payload}.{first}{}", &signature[1..]),
        format!("{header}.{payload}."),
    ] {
        assert_eq!(issuers.verify(&altered, NOW_MS).await, Err(WRONG_SIGNATURE));
    }
    let other_kid = signer.sign(Some("k2"), &provider.claims());
    assert_eq!(issuers.verify(&other_kid, NOW_MS).await, Err(NO_SUCH_KEY));
    let other_family = Signer::new(Algorithm::RS256).sign(Some("k1"), &provider.claims());
    assert_eq!(issuers.verify(&other_family, NOW_MS).await, Err(NO_SUCH_KEY));
}

#[tokio::test]
async fn algorithms_without_a_public_key_are_refused() {
    for signer in [Signer::new(Algorithm::ES256), Signer::new(Algorithm::RS256)] {
        let jwk = signer.jwk("k1");
        let shared = json!({ "kty": "oct", "kid": "k2", "k": URL_SAFE_NO_PAD.encode(b"guessed") });
        let provider = Provider::start(&[jwk.clone(), shared]).await;
        let issuers = provider.issuers();
        let public = match serde_json::from_value::<Jwk>(jwk).unwrap().algorithm {
            AlgorithmParameters::RSA(key) => key.n,
            AlgorithmParameters::EllipticCurve(key) => key.x,
            _ => unreachable!(),
        };
        let secrets = [("k1", URL_SAFE_NO_PAD.decode(&public).unwrap()), ("k2", b"guessed".to_vec())];
        for (kid, secret) in secrets {
            let forger = Signer { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(&secret) };
            let forged = forger.sign(Some(kid), &provider.claims());
            let refusal = issuers.verify(&forged, NOW_MS).await;
            assert_eq!(refusal, Err(TokenError::Invalid("its algorithm is not accepted")));
        }
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "kid": "k1" }).to_string());
        let unsigned = format!("{header}.{}.", URL_SAFE_NO_PAD.encode(provider.claims().to_string()));
        let refusal = issuers.verify(&unsigned, NOW_MS).await.unwrap_err();
        assert!(matches!(refusal, TokenError::Invalid(_)), "{refusal}");
        assert_eq!(provider.key_reads(), 0);
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_is_unknown() {
    let (provider, issuers, signer) = usual().await;
    let lengths = [provider.issuer.clone() + "/", provider.issuer[1..].to_owned(), String::new()];
    let mut others: Vec<Value> = lengths.into_iter().map(Value::from).collect();
    others.extend([json!(null), json!([provider.issuer])]);
    for issuer in others {
        let token = signer.sign(Some("k1"), &provider.claims_with("iss", issuer));
        assert!(!issuers.names_issuer_of(&token));
        assert_eq!(issuers.verify(&token, NOW_MS).await, Err(TokenError::Unknown));
    }
    let long = signer.sign(Some("k1"), &provider.claims_with("filler", json!("x".repeat(8 << 10))));
    for token in ["", "lzk_x", "a.b.c", &long] {
        assert_eq!(issuers.verify(token, NOW_MS).await, Err(TokenError::Unknown));
    }
    assert_eq!(provider.discovery_reads(), 0);
}

#[tokio::test]
async fn the_audience_must_be_ours() {
    let (provider, issuers, signer) = usual().await;
    for (audience, is_ours) in [
        (json!(AUDIENCE), true),
        (json!(["x", AUDIENCE]), true),
        (json!("api://lazurite/"), false),
        (json!(["x", "y", 1]), false),
        (json!([]), false),
        (json!(null), false),
        (json!({ "aud": AUDIENCE }), false),
    ] {
        let token = signer.sign(Some("k1"), &provider.claims_with("aud", audience.clone()));
        let refusal = issuers.verify(&token, NOW_MS).await.err();
        let expected = (!is_ours).then_some(TokenError::Invalid("it was not made for this server"));
        assert_eq!(refusal, expected, "{audience}");
    }
}

#[tokio::test]
async fn times_are_judged_with_a_minute_of_skew() {
    let (provider, issuers, signer) = usual().await;
    let early = Some(TokenError::Invalid("its time has not come"));
    let no_times = Some(TokenError::Invalid("its times are not whole seconds"));
    for (name, value, now_ms, expected) in [
        ("exp", json!(NOW_S), NOW_MS + 59_999, None),
        ("exp", json!(NOW_S), NOW_MS + 60_000, Some(TokenError::Expired)),
        ("exp", json!(i64::MAX), NOW_MS, None),
        ("exp", json!("1760000000"), NOW_MS, no_times.clone()),
        ("exp", json!(-1), NOW_MS, Some(TokenError::Expired)),
        ("nbf", json!(NOW_S + 60), NOW_MS, None),
        ("nbf", json!(NOW_S + 60), NOW_MS - 1, early.clone()),
        ("iat", json!(NOW_S + 60), NOW_MS, None),
        ("iat", json!(NOW_S + 61), NOW_MS, early),
        ("iat", json!(null), NOW_MS, no_times),
    ] {
        let token = signer.sign(Some("k1"), &provider.claims_with(name, value.clone()));
        assert_eq!(issuers.verify(&token, now_ms).await.err(), expected, "{name} {value} {now_ms}");
    }
    let mut endless = provider.claims();
    endless.as_object_mut().unwrap().remove("exp");
    let refusal = issuers.verify(&signer.sign(Some("k1"), &endless), NOW_MS).await;
    assert_eq!(refusal, Err(TokenError::Invalid("it has no end")));
    let mut startless = provider.claims();
    startless.as_object_mut().unwrap().retain(|name, _| name != "nbf" && name != "iat");
    assert!(issuers.verify(&signer.sign(Some("k1"), &startless), NOW_MS).await.is_ok());
}

#[tokio::test]
async fn subject_and_groups_must_have_their_form() {
    let (provider, issuers, signer) = usual().await;
    for subject in [json!(""), json!(7), json!(["ann"]), json!(null), json!("x".repeat(257))] {
        let token = signer.sign(Some("k1"), &provider.claims_with("sub", subject.clone()));
        let refusal = issuers.verify(&token, NOW_MS).await;
        assert_eq!(refusal, Err(TokenError::Invalid("it does not say who it speaks for")), "{subject}");
    }
    let longest = signer.sign(Some("k1"), &provider.claims_with("sub", json!("x".repeat(256))));
    assert!(issuers.verify(&longest, NOW_MS).await.is_ok());
    for groups in [json!("billing"), json!({}), json!([1]), json!(["a", null]), json!(null)] {
        let token = signer.sign(Some("k1"), &provider.claims_with("groups", groups.clone()));
        let refusal = issuers.verify(&token, NOW_MS).await;
        assert_eq!(refusal, Err(TokenError::Invalid("its groups are not a list of texts")), "{groups}");
    }
    let many: Vec<String> = (0..1001).map(|index| index.to_string()).collect();
    let token = signer.sign(Some("k1"), &provider.claims_with("groups", json!(many)));
    assert_eq!(issuers.verify(&token, NOW_MS).await.unwrap().groups, many[..1000]);
    let mut alone = provider.claims();
    alone.as_object_mut().unwrap().remove("groups");
    let token = signer.sign(Some("k1"), &alone);
    assert_eq!(issuers.verify(&token, NOW_MS).await.unwrap().groups, Vec::<String>::new());
}

#[tokio::test]
async fn only_one_key_that_is_for_signatures_judges_a_token() {
    let signer = Signer::new(Algorithm::RS256);
    let with = |name: &str, value: Value| {
        let mut jwk = signer.jwk("k1");
        jwk[name] = value;
        jwk
    };
    let bare = {
        let mut jwk = signer.jwk("k1");
        jwk.as_object_mut().unwrap().retain(|name, _| name != "use" && name != "alg");
        jwk
    };
    let stranger = json!({ "kty": "EC", "crv": "secp256k1", "kid": "k1", "x": "AA", "y": "AA" });
    let curve = Signer::new(Algorithm::ES256).jwk("k1");
    let ambiguous = Some(TokenError::Invalid("it does not say which key of its issuer signed it"));
    for (keys, kid, expected) in [
        (vec![with("use", json!("enc"))], Some("k1"), Some(NO_SUCH_KEY)),
        (vec![with("key_ops", json!(["encrypt"]))], Some("k1"), Some(NO_SUCH_KEY)),
        (vec![with("alg", json!("RSA-OAEP"))], Some("k1"), Some(NO_SUCH_KEY)),
        (vec![with("alg", json!("PS256"))], Some("k1"), Some(NO_SUCH_KEY)),
        (vec![with("use", json!("enc")), signer.jwk("k2")], None, None),
        (vec![stranger, json!("x"), curve, bare.clone()], Some("k1"), None),
        (vec![bare], None, None),
        (vec![signer.jwk("k1"), signer.jwk("k2")], None, ambiguous.clone()),
        (vec![signer.jwk("k1"), signer.jwk("k2")], Some("k2"), None),
        (vec![signer.jwk("k1"), signer.jwk("k1")], Some("k1"), ambiguous),
        (vec![], None, Some(NO_SUCH_KEY)),
    ] {
        let provider = Provider::start(&keys).await;
        let token = signer.sign(kid, &provider.claims());
        assert_eq!(provider.issuers().verify(&token, NOW_MS).await.err(), expected, "{kid:?} {keys:?}");
    }
}
