"""Order numbers that customers see, from a sequence of their own where the database has sequences."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    postgres = op.get_context().dialect.name == "postgresql"
    op.add_column("orders", sa.Column("number", sa.Integer))
    op.execute("update orders set number = 1000 + id")
    with op.batch_alter_table("orders") as orders:
        orders.alter_column("number", nullable=False)
    op.create_index("orders_number_key", "orders", ["number"], unique=True)
    if postgres:
        op.execute("create sequence order_number_seq as integer start 1001 owned by orders.number")
        op.execute("select setval('order_number_seq', max(number)) from orders having max(number) > 0")
        op.execute("alter table orders alter column number set default nextval('order_number_seq')")


def downgrade() -> None:
    op.drop_index("orders_number_key", "orders")
    with op.batch_alter_table("orders") as orders:
        orders.drop_column("number")
