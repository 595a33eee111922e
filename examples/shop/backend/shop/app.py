"""The shop's HTTP interface."""

import sqlite3
from datetime import datetime, timezone
from typing import Iterator

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Query, UploadFile
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from . import auth, health, uploads
from .database import add_order, head_revision, make_engine
from .models import Order, Upload, User
from .sessions import Sessions
from .settings import Settings, ShopConfig

settings = Settings.load()
engine = make_engine(settings.database()) if settings.database_url else None
sessions = Sessions(settings.sessions)
head = head_revision()

app = FastAPI(title="Shop")


class Login(BaseModel):
    user: str
    password: str


class NewOrder(BaseModel):
    item: str = Field(min_length=1, max_length=200)
    quantity: int = Field(default=1, gt=0, le=10_000)
    price_cents: int = Field(default=0, ge=0, le=100_000_000)
    note: str = Field(default="", max_length=2_000)
    upload_id: int | None = None


@app.on_event("shutdown")
def close() -> None:
    sessions.close()


@app.exception_handler(OperationalError)
def database_unreachable(_request, _error) -> JSONResponse:
    return JSONResponse({"detail": "the database is unreachable"}, status_code=503)


@app.exception_handler(sqlite3.Error)
def sessions_unreadable(_request, _error) -> JSONResponse:
    return JSONResponse({"detail": "the sessions cannot be read"}, status_code=503)


def database() -> Iterator[Session]:
    if engine is None:
        raise HTTPException(503, "DATABASE_URL is not set")
    with Session(engine) as session:
        yield session


def config() -> ShopConfig:
    return ShopConfig.load(settings.config)


def secret() -> str:
    if not settings.jwt_secret:
        raise HTTPException(503, "JWT_SECRET is not set")
    return settings.jwt_secret


class SignedIn(BaseModel):
    user: str
    session: str


def signed_in(authorization: str = Header(default=""), key: str = Depends(secret)) -> SignedIn:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise HTTPException(401, "sign in first", {"WWW-Authenticate": "Bearer"})
    try:
        user, session = auth.read_token(key, token)
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, f"the token is refused: {error}", {"WWW-Authenticate": "Bearer"})
    if not sessions.touch(session):
        raise HTTPException(401, "the session has ended", {"WWW-Authenticate": "Bearer"})
    return SignedIn(user=user, session=session)


@app.get("/health")
def get_health() -> JSONResponse:
    report = health.report(settings, engine, head, sessions)
    return JSONResponse(report, status_code=200 if report["status"] == "ok" else 503)


@app.get("/config")
def get_config(shop: ShopConfig = Depends(config)) -> dict:
    return {"name": shop.name, "currency": shop.currency}


@app.post("/login")
def login(body: Login, key: str = Depends(secret), db: Session = Depends(database), shop: ShopConfig = Depends(config)) -> dict:
    user = db.scalars(select(User).where(User.name == body.user)).first()
    if user is None or not auth.password_matches(body.password, user.password_hash):
        raise HTTPException(401, "wrong user or password")
    session, expires = sessions.create(user.name, shop.session_days)
    return {"token": auth.make_token(key, user.name, session, expires), "user": user.name}


@app.post("/logout", status_code=204, response_class=JSONResponse)
def logout(who: SignedIn = Depends(signed_in)) -> None:
    sessions.remove(who.session)


@app.get("/me")
def me(who: SignedIn = Depends(signed_in), db: Session = Depends(database)) -> dict:
    user = db.scalars(select(User).where(User.name == who.user)).first()
    if user is None:
        raise HTTPException(401, "this user no longer exists")
    orders = db.scalar(select(func.count()).select_from(Order).where(Order.user_id == user.id))
    return {"user": user.name, "since": utc(user.created_at), "orders": orders}


@app.get("/orders", dependencies=[Depends(signed_in)])
def list_orders(
    limit: int = Query(default=20, ge=0, le=1000), offset: int = Query(default=0, ge=0), db: Session = Depends(database)
) -> dict:
    count = db.scalar(select(func.count()).select_from(Order))
    rows = db.scalars(select(Order).order_by(Order.number.desc()).limit(limit).offset(offset))
    return {"count": count, "orders": [order_json(order) for order in rows]}


@app.post("/orders", status_code=201)
def create_order(body: NewOrder, who: SignedIn = Depends(signed_in), db: Session = Depends(database)) -> dict:
    user_id = db.scalar(select(User.id).where(User.name == who.user))
    if user_id is None:
        raise HTTPException(401, "this user no longer exists")
    if body.upload_id is not None and db.get(Upload, body.upload_id) is None:
        raise HTTPException(422, f"there is no upload {body.upload_id}")
    order = add_order(
        db, user_id=user_id, created_at=datetime.now(timezone.utc), item=body.item, quantity=body.quantity,
        price_cents=body.price_cents, note=body.note, upload_id=body.upload_id,
    )
    return order_json(order)


@app.get("/uploads", dependencies=[Depends(signed_in)])
def list_uploads(limit: int = Query(default=20, ge=0, le=1000), db: Session = Depends(database)) -> dict:
    count = db.scalar(select(func.count()).select_from(Upload))
    rows = db.scalars(select(Upload).order_by(Upload.id.desc()).limit(limit))
    return {"count": count, "uploads": [upload_json(upload) for upload in rows]}


@app.post("/uploads", status_code=201, dependencies=[Depends(signed_in)])
def create_upload(file: UploadFile, db: Session = Depends(database), shop: ShopConfig = Depends(config)) -> dict:
    name = (file.filename or "file")[-255:]
    try:
        stored = uploads.store(settings.uploads, name, file.file, shop.max_upload_bytes)
    except uploads.TooLarge as error:
        raise HTTPException(413, str(error))
    # The row comes second, and a file whose row failed stays: the commit may have taken effect all the same.
    row = Upload(
        name=name, path=stored.path, bytes=stored.bytes, sha256=stored.sha256, created_at=datetime.now(timezone.utc)
    )
    db.add(row)
    db.commit()
    return upload_json(row)


@app.get("/uploads/{upload_id}", dependencies=[Depends(signed_in)])
def get_upload(upload_id: int, db: Session = Depends(database)) -> FileResponse:
    upload = db.get(Upload, upload_id)
    if upload is None:
        raise HTTPException(404, f"there is no upload {upload_id}")
    path = settings.uploads / upload.path
    if not path.is_file():
        raise HTTPException(410, f"the file of upload {upload_id} is gone")
    return FileResponse(path, filename=upload.name, media_type="application/octet-stream")


def order_json(order: Order) -> dict:
    return {
        "number": order.number, "item": order.item, "quantity": order.quantity, "price_cents": order.price_cents,
        "status": order.status, "note": order.note, "upload_id": order.upload_id, "created_at": utc(order.created_at),
    }


def upload_json(upload: Upload) -> dict:
    return {
        "id": upload.id, "name": upload.name, "bytes": upload.bytes, "sha256": upload.sha256,
        "created_at": utc(upload.created_at),
    }


def utc(moment: datetime) -> str:
    """SQLite keeps no time zone: what comes out of it is UTC, because only UTC goes in."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
