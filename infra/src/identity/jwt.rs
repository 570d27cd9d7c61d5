//! JSON Web Tokens (RFC 7519) signed with HS256, through the `jsonwebtoken` crate. The crate leaves the
//! cryptography to whoever uses it: here it is the HMAC that everything else of ours uses.

use std::sync::Once;

use chrono::DateTime;
use hmac::{Hmac, Mac as _};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use mintmark_domain::account::{Scope, Scopes};
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{IdentityError, TokenGrant};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use signature::{Error as SignatureError, Signer, Verifier};

/// Who issued it, in every token.
const ISSUER: &str = "mintmark";

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    /// The account, in its public form.
    sub: String,
    client_id: String,
    /// Scopes, separated by spaces (RFC 9068).
    scope: String,
    iat: i64,
    exp: i64,
    /// Tells two tokens of the same second apart.
    jti: String,
}

/// HMAC-SHA256 under one key.
struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(algorithm: &Algorithm, secret: &[u8]) -> jsonwebtoken::errors::Result<Self> {
        if *algorithm != Algorithm::HS256 {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        Hmac::new_from_slice(secret).map(Hs256).map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let mut mac = self.0.clone();
        mac.update(message);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let mut mac = self.0.clone();
        mac.update(message);
        // In constant time.
        mac.verify_slice(signature).map_err(SignatureError::from_source)
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| {
        let signer = Hs256::new(algorithm, key.as_bytes())?;
        Ok(Box::new(signer))
    },
    verifier_factory: |algorithm, key| {
        let verifier = Hs256::new(algorithm, key.try_get_as_bytes()?)?;
        Ok(Box::new(verifier))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

/// The crate asks for its cryptography once in a process.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = PROVIDER.install_default();
    });
}

/// Signs what a grant says with a key of that name.
pub(super) fn sign(grant: &TokenGrant, kid: &str, secret: &[u8], jti: String) -> Result<String, IdentityError> {
    install();
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: grant.account.to_string(),
        client_id: grant.client_id.clone(),
        scope: grant.scopes.names().join(" "),
        iat: grant.issued_at.timestamp(),
        exp: grant.expires_at.timestamp(),
        jti,
    };
    let signed = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret));
    signed.map_err(|error| IdentityError::Corrupt(error.to_string()))
}

/// The name of the key that a token says it was signed with.
pub(super) fn kid(token: &str) -> Option<String> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    header.kid.filter(|_| header.alg == Algorithm::HS256)
}

/// What a token says, if that key signed it. Whether it still holds is the caller's to ask.
pub(super) fn read(token: &str, secret: &[u8]) -> Option<TokenGrant> {
    install();
    let mut validation = Validation::new(Algorithm::HS256);
    // By the clock that the caller is given, not the machine's.
    validation.validate_exp = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    let claims: Claims = jsonwebtoken::decode(token, &DecodingKey::from_secret(secret), &validation).ok()?.claims;
    let scopes: Result<Vec<Scope>, _> = claims.scope.split(' ').map(str::parse).collect();
    Some(TokenGrant {
        account: claims.sub.parse::<AccountId>().ok()?,
        client_id: claims.client_id,
        scopes: Scopes::only(scopes.ok()?),
        issued_at: DateTime::from_timestamp(claims.iat, 0)?,
        expires_at: DateTime::from_timestamp(claims.exp, 0)?,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use uuid::Uuid;

    use super::*;

    fn grant() -> TokenGrant {
        TokenGrant {
            account: AccountId(Uuid::from_u128(7)),
            client_id: "gfo_oauth_1".into(),
            scopes: Scopes::only([Scope::RunsRead, Scope::ModelsRead]),
            issued_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            expires_at: DateTime::from_timestamp(1_800_003_600, 0).unwrap(),
        }
    }

    #[test]
    fn a_token_says_what_it_was_given_and_begins_as_the_document_prints() {
        let token = sign(&grant(), "k1", &[1; 32], "1".into()).unwrap();
        let header: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!(header, serde_json::json!({"typ": "JWT", "alg": "HS256", "kid": "k1"}));
        assert_eq!(kid(&token).as_deref(), Some("k1"));
        assert_eq!(read(&token, &[1; 32]), Some(grant()));
    }

    #[test]
    fn whatever_was_altered_or_signed_otherwise_says_nothing() {
        let token = sign(&grant(), "k1", &[1; 32], "1".into()).unwrap();
        assert_eq!(read(&token, &[2; 32]), None, "another key");
        let parts: Vec<&str> = token.split('.').collect();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let wider = URL_SAFE_NO_PAD.encode(claims.replace("models:read", "images:write"));
        assert_eq!(read(&[parts[0], &wider, parts[2]].join("."), &[1; 32]), None, "other claims");
        for algorithm in ["none", "HS512", "RS256"] {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":"k1"}}"#));
            let forged = [&header, parts[1], parts[2]].join(".");
            assert_eq!((kid(&forged), read(&forged, &[1; 32])), (None, None), "{algorithm}");
            assert_eq!(read(&format!("{header}.{}.", parts[1]), &[1; 32]), None, "{algorithm} without a signature");
        }
    }
}
