"""Uploaded files; an order may have one attached."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("path", sa.String(255), nullable=False, unique=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    with op.batch_alter_table("orders") as orders:  # SQLite rebuilds the table, PostgreSQL alters it
        orders.add_column(sa.Column("upload_id", sa.Integer))
        orders.create_foreign_key("orders_upload_id_fkey", "uploads", ["upload_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("orders") as orders:
        orders.drop_constraint("orders_upload_id_fkey", type_="foreignkey")
        orders.drop_column("upload_id")
    op.drop_table("uploads")
