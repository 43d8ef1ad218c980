"""Every door to payouts, batches, differences, transfers and reversals, in each status."""

import pytest

from tests.cover_fixtures import load_plans
from tests.treasury.test_transfers import District
from tests.treasury_fixtures import Municipal
from tests.walks import money
from tests.walks.walk import walk

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_doors_to_payouts(office: Municipal) -> None:
    await load_plans(office.app)
    for table in (money.TO_WALLETS, money.TO_BANKS):
        subjects = await money.payout_in_each_status(office, table)
        await walk(office.app, office.client, table, subjects)


async def test_doors_to_batches(office: Municipal) -> None:
    for table in (money.BY_THE_DOOR, money.BY_HAND):
        subjects = await money.batch_in_each_status(office, table)
        await walk(office.app, office.client, table, subjects)


async def test_doors_to_differences(office: Municipal) -> None:
    subjects = await money.difference_in_each_status(office)
    await walk(office.app, office.client, money.ITEMS, subjects)
    await walk(office.app, office.client, money.RUNS, await money.run_in_each_status(office))


async def test_doors_to_transfers_and_reversals(office: Municipal, district: District) -> None:
    subjects = await money.transfer_in_each_status(district)
    await walk(office.app, office.client, money.TRANSFERS, subjects)
    subjects = await money.reversal_in_each_status(office)
    await walk(office.app, office.client, money.REVERSALS, subjects)
