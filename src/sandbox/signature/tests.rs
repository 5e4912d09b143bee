//! The vectors that AWS publishes for Signature Version 4, by value, and what is refused.

use hyper::header::{HeaderName, HeaderValue};

use super::*;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SCOPE: &str = "20150830/us-east-1/service/aws4_request";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn signed_at() -> Timestamp {
    at("2015-08-30T12:36:00Z")
}

fn one(change: impl FnOnce(&mut Credential)) -> Credentials {
    let mut credential = Credential {
        access_key: KEY.to_owned(),
        secret: Secret::new(SECRET),
        session_token: None,
        expires: None,
        principal: "AROATEST:somebody".to_owned(),
    };
    change(&mut credential);
    Credentials::new(vec![credential]).unwrap()
}

/// A request of the test suite; each has the same host and date.
struct Vector {
    method: &'static str,
    target: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
}

const GET: Vector = Vector { method: "GET", target: "/", headers: Vec::new(), body: "" };

impl Vector {
    fn map(&self, authorization: Option<&str>) -> HeaderMap {
        let usual = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
        let own = self.headers.iter().copied();
        let mut map = HeaderMap::new();
        for (name, value) in own {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        for (name, value) in usual {
            if !map.contains_key(name) {
                map.append(name, HeaderValue::from_static(value));
            }
        }
        if let Some(text) = authorization {
            map.append(AUTHORIZATION, HeaderValue::from_str(text).unwrap());
        }
        map
    }

    fn verify(
        &self,
        credentials: &Credentials,
        authorization: Option<&str>,
        now: Timestamp,
    ) -> Result<String, SignatureError> {
        let headers = self.map(authorization);
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let body = self.body.as_bytes();
        let request = Signed { method: self.method, path, query, headers: &headers, body };
        let known = credentials.verify_for("service", &request, now)?;
        Ok(known.principal.clone())
    }
}

fn authorization(signed: &str, signature: &str) -> String {
    format!("{ALGORITHM} Credential={KEY}/{SCOPE}, SignedHeaders={signed}, Signature={signature}")
}

#[test]
fn the_published_vectors_are_verified() {
    let usual = "host;x-amz-date";
    let form = vec![("content-type", "application/x-www-form-urlencoded")];
    let trimmed = vec![("my-header1", " value1"), ("my-header2", " \"a   b   c\"")];
    let doubled =
        vec![("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")];
    let ordered = vec![
        ("my-header1", "value4"),
        ("my-header1", "value1"),
        ("my-header1", "value3"),
        ("my-header1", "value2"),
    ];
    #[rustfmt::skip]
    let vectors = [
        (GET, usual, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (Vector { target: "/?Param2=value2&Param1=value1", ..GET }, usual, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        (Vector { target: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", ..GET }, usual, "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
        (Vector { target: "/\u{1234}", ..GET }, usual, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (Vector { target: "/example space/", ..GET }, usual, "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
        (Vector { target: "/example1/example2/../..", ..GET }, usual, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (Vector { target: "//example//", ..GET }, usual, "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        (Vector { target: "/./example", ..GET }, usual, "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
        (Vector { headers: trimmed, ..GET }, "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        (Vector { headers: doubled, ..GET }, "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
        (Vector { headers: ordered, ..GET }, "host;my-header1;x-amz-date", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"),
        (Vector { method: "POST", ..GET }, usual, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (Vector { method: "POST", headers: form, body: "Param1=value1", ..GET }, "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ];
    for (vector, signed, signature) in vectors {
        let claim = authorization(signed, signature);
        let verified = vector.verify(&one(|_| {}), Some(&claim), signed_at());
        assert_eq!(
            verified.as_deref(),
            Ok("AROATEST:somebody"),
            "{} {:?}",
            vector.target,
            vector.headers
        );
    }
}

/// The vector `post-sts-header-before`.
#[test]
fn a_session_token_is_asked_for_and_compared() {
    const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    let claim = authorization(
        "host;x-amz-date;x-amz-security-token",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    );
    let request =
        |token| Vector { method: "POST", headers: vec![("x-amz-security-token", token)], ..GET };
    let with = |token: &str| {
        let token = Secret::new(token);
        one(|credential| credential.session_token = Some(token))
    };
    let verify = |credentials: &Credentials, sent| {
        request(sent).verify(credentials, Some(&claim), signed_at()).map(drop)
    };
    assert_eq!(verify(&with(TOKEN), TOKEN), Ok(()));
    assert_eq!(verify(&with("another"), TOKEN), Err(SignatureError::UnknownKey));
    assert_eq!(verify(&one(|_| {}), TOKEN), Err(SignatureError::UnknownKey));
    assert_eq!(verify(&with(TOKEN), "other"), Err(SignatureError::UnknownKey));
    let none = Vector { method: "POST", ..GET }.verify(&with(TOKEN), Some(&claim), signed_at());
    assert_eq!(none, Err(SignatureError::UnknownKey));
    let expires = |seconds| {
        one(|credential| {
            credential.session_token = Some(Secret::new(TOKEN));
            credential.expires = Some(signed_at() + SignedDuration::from_secs(seconds));
        })
    };
    assert_eq!(verify(&expires(1), TOKEN), Ok(()));
    assert_eq!(verify(&expires(0), TOKEN), Err(SignatureError::TokenExpired));
}

/// The vector `get-vanilla` of the test suite of 2011, which has a `Date` and no `X-Amz-Date`.
#[test]
fn a_date_may_stand_in_the_usual_header() {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("host.foo.com"));
    headers.insert(DATE, HeaderValue::from_static("Mon, 09 Sep 2011 23:36:00 GMT"));
    let claim = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20110909/us-east-1/host/aws4_request, SignedHeaders=date;host, Signature=b27ccfbfa7df52a200ff74193ca6e32d4b48b8856fab7ebf1c595d0670a7e470";
    headers.insert(AUTHORIZATION, HeaderValue::from_static(claim));
    let request = Signed { method: "GET", path: "/", query: "", headers: &headers, body: b"" };
    let verify = |now| one(|_| {}).verify_for("host", &request, at(now)).map(drop);
    assert_eq!(verify("2011-09-09T23:38:00Z"), Ok(()));
    assert!(matches!(verify("2011-09-10T23:36:00Z"), Err(SignatureError::Expired { .. })));
}

#[test]
fn a_request_is_refused_as_the_service_refuses_it() {
    let good = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    let usual = authorization("host;x-amz-date", good);
    let replaced = |from: &str, to: &str| {
        assert!(usual.contains(from), "{from}");
        usual.replace(from, to)
    };
    let mut told = Vec::new();
    let mut tell = |vector: &Vector, claim: Option<&str>, now: &str| {
        let refused = vector.verify(&one(|_| {}), claim, at(now)).unwrap_err();
        told.push(refused.to_string());
    };
    let now = "2015-08-30T12:36:00Z";
    tell(&GET, None, now);
    tell(&GET, Some("Basic dXNlcjpwYXNzd29yZA=="), now);
    tell(&GET, Some(&replaced("Credential", "Credit")), now);
    tell(&GET, Some(&replaced("SignedHeaders", "Headers")), now);
    tell(&GET, Some(&replaced("Signature", "Sign")), now);
    tell(&GET, Some(&replaced("/us-east-1", "")), now);
    tell(&Vector { headers: vec![("x-amz-date", "yesterday")], ..GET }, Some(&usual), now);
    tell(&GET, Some(&replaced("AKIDEXAMPLE", "AKIDOTHER")), now);
    tell(&GET, Some(&replaced("us-east-1", "")), now);
    tell(&GET, Some(&replaced("/service/", "/s3/")), now);
    tell(&GET, Some(&replaced("aws4_request", "aws5_request")), now);
    tell(&GET, Some(&replaced("20150830", "20150831")), now);
    tell(&GET, Some(&usual), "2015-08-30T12:41:01Z");
    tell(&GET, Some(&usual), "2015-08-30T12:30:59Z");
    tell(&GET, Some(&replaced("host;", "")), now);
    tell(&Vector { headers: vec![("x-amz-client-token", "t")], ..GET }, Some(&usual), now);
    tell(
        &Vector { headers: vec![("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], ..GET },
        Some(&authorization("host;x-amz-content-sha256;x-amz-date", good)),
        now,
    );
    tell(&GET, Some(&replaced("fbf31", "fbf32")), now);
    tell(&Vector { body: "{}", ..GET }, Some(&usual), now);
    tell(&Vector { target: "/?a=b", ..GET }, Some(&usual), now);
    insta::assert_snapshot!(told.join("\n"), @"
    Missing Authentication Token
    Authorization header requires the algorithm AWS4-HMAC-SHA256.
    Authorization header requires 'Credential' parameter.
    Authorization header requires 'SignedHeaders' parameter.
    Authorization header requires 'Signature' parameter.
    Authorization header requires a 'Credential' of five parts.
    Authorization header requires a date that can be read.
    The security token included in the request is invalid.
    Credential should be scoped to a valid region: 'us-west-2'.
    Credential should be scoped to correct service: 'service'.
    Credential should be scoped to a valid terminator: 'aws4_request'.
    Credential should be scoped to the day of the date: '20150830'.
    Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)
    Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)
    'host' must be a 'SignedHeader' in the AWS Authorization.
    'x-amz-client-token' must be a 'SignedHeader' in the AWS Authorization.
    The value of x-amz-content-sha256 is not the SHA-256 of the body.
    The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.
    The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.
    The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.
    ");
    for edge in ["2015-08-30T12:41:00Z", "2015-08-30T12:31:00Z"] {
        assert!(GET.verify(&one(|_| {}), Some(&usual), at(edge)).is_ok(), "{edge}");
    }
}

#[test]
fn credentials_are_checked_before_they_are_used() {
    let credential = |key: &str, secret: &str, token: Option<&str>, principal: &str| Credential {
        access_key: key.to_owned(),
        secret: Secret::new(secret),
        session_token: token.map(Secret::new),
        expires: None,
        principal: principal.to_owned(),
    };
    let good = || credential(KEY, SECRET, None, "somebody");
    let cases = [
        vec![],
        vec![credential("", SECRET, None, "somebody")],
        vec![credential("AKID/EXAMPLE", SECRET, None, "somebody")],
        vec![credential(KEY, "", None, "somebody")],
        vec![credential(KEY, SECRET, Some(""), "somebody")],
        vec![credential(KEY, SECRET, None, "")],
        vec![good(), good()],
    ];
    let told = cases.map(|all| Credentials::new(all).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"), @"
    there is no access key: with none, every request would be refused
    access key 1 of those given is not one: it has 1 to 128 letters, digits and _
    access key 1 of those given is not one: it has 1 to 128 letters, digits and _
    access key AKIDEXAMPLE has an empty secret or session token
    access key AKIDEXAMPLE has an empty secret or session token
    access key AKIDEXAMPLE has an empty principal
    access key AKIDEXAMPLE is there twice
    ");
    let shown =
        format!("{:?}", Credentials::new(vec![credential(KEY, SECRET, Some("token-text"), "s")]));
    assert!(!shown.contains(SECRET) && !shown.contains("token-text"), "{shown}");
}
