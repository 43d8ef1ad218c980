"""Plans and their versions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

IMMUTABLE = """
create function plan_version_is_immutable() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.status <> 'draft' then
            raise exception 'a published plan version stays' using errcode = 'check_violation',
                constraint = 'plan_version_is_immutable';
        end if;
        return old;
    end if;
    if old.status <> 'draft' and (
        new.document is distinct from old.document
        or new.id <> old.id
        or new.plan_code <> old.plan_code
        or new.number <> old.number
        or new.effective_from <> old.effective_from
        or new.status = 'draft'
    ) then
        raise exception 'a published plan version does not change'
            using errcode = 'check_violation', constraint = 'plan_version_is_immutable';
    end if;
    return new;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "plan",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('purchased', 'gifted')", name=op.f("ck_plan__kind")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_plan")),
    )
    op.create_table(
        "plan_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document", JSONB(), nullable=False),
        sa.CheckConstraint(
            "status in ('closed', 'draft', 'published', 'retired')",
            name=op.f("ck_plan_version__status"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_plan_version__number")),
        sa.ForeignKeyConstraint(
            ["plan_code"], ["plan.code"], name=op.f("fk_plan_version__plan_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_version")),
        sa.UniqueConstraint("plan_code", "number", name="uq_plan_version__number"),
    )
    op.execute(
        "alter table plan_version add constraint ex_plan_version__one_on_sale exclude using gist"
        " (plan_code with =, tstzrange(effective_from, effective_to) with &&)"
        " where (status = 'published')"
    )
    op.execute(IMMUTABLE)
    op.execute(
        "create trigger plan_version_is_immutable before update or delete on plan_version"
        " for each row execute function plan_version_is_immutable()"
    )
