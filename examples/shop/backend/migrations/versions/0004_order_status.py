"""The state of an order and a note on it; open orders are found through an index."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("orders", sa.Column("status", sa.String(20), nullable=False, server_default="open"))
    op.add_column("orders", sa.Column("note", sa.Text, nullable=False, server_default=""))
    is_open = sa.text("status = 'open'")
    op.create_index("orders_open", "orders", ["created_at"], postgresql_where=is_open, sqlite_where=is_open)


def downgrade() -> None:
    op.drop_index("orders_open", "orders")
    with op.batch_alter_table("orders") as orders:
        orders.drop_column("note")
        orders.drop_column("status")
