"""The tables in PostgreSQL or SQLite. The schema itself is made by the migrations, never by the application."""

from sqlalchemy import BigInteger, Column, DateTime, FetchedValue, ForeignKey, Integer, String, Text
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String(100), nullable=False, unique=True)
    password_hash = Column(String(200), nullable=False)
    created_at = Column(DateTime(timezone=True), nullable=False)


class Upload(Base):
    __tablename__ = "uploads"
    id = Column(Integer, primary_key=True)
    name = Column(String(255), nullable=False)
    path = Column(String(255), nullable=False, unique=True)  # below the uploads folder
    bytes = Column(BigInteger, nullable=False)
    sha256 = Column(String(64), nullable=False)
    created_at = Column(DateTime(timezone=True), nullable=False)


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    number = Column(Integer, FetchedValue(), nullable=False, unique=True)  # what the customer sees
    user_id = Column(Integer, ForeignKey("users.id"), nullable=False)
    upload_id = Column(Integer, ForeignKey("uploads.id"))
    item = Column(String(200), nullable=False)
    quantity = Column(Integer, nullable=False)
    price_cents = Column(Integer, nullable=False)
    status = Column(String(20), nullable=False, default="open")
    note = Column(Text, nullable=False, default="")
    created_at = Column(DateTime(timezone=True), nullable=False)
