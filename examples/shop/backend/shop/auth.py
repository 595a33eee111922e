"""Passwords and login tokens. A token is refused once JWT_SECRET is another one than it was signed with."""

import hashlib
import hmac

import jwt


def hash_password(password: str, salt: bytes) -> str:
    digest = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
    return f"scrypt${salt.hex()}${digest.hex()}"


def password_matches(password: str, stored: str) -> bool:
    _, salt, _ = stored.split("$")
    return hmac.compare_digest(hash_password(password, bytes.fromhex(salt)), stored)


def make_token(secret: str, user_name: str, session: str, expires: int) -> str:
    return jwt.encode({"sub": user_name, "jti": session, "exp": expires}, secret, algorithm="HS256")


def read_token(secret: str, token: str) -> tuple[str, str]:
    """The user's name and the session's id; raises jwt.InvalidTokenError."""
    claims = jwt.decode(token, secret, algorithms=["HS256"], options={"require": ["sub", "jti", "exp"]})
    return claims["sub"], claims["jti"]
