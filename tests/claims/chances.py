"""By what chances claims live: who acts, with which facts, and what comes next."""

from hypothesis import strategies as st

from tests.claims.model_state import STAFF

MOST_CLAIMS = 4

# Mostly whoever has the claim or may take it; now and then anybody.
someone = st.sampled_from(["holder"] * 6 + ["reviewer", "judge", "chief"] * 2 + sorted(STAFF))
boss = st.sampled_from(["supervisor", "chief"] * 4 + sorted(STAFF))
costs = st.sampled_from([350_000, 45_000, 5_000, 900_000, 1_500_000])
grades = st.sampled_from([2, 2, 3, 1])
disabilities = st.sampled_from([1, 3, 5, 6, 8, 10])
some_facts = {
    "MED": st.fixed_dictionaries({}, optional={"self_pay_fen": costs, "hospital_grade": grades}),
    "DISAB": st.fixed_dictionaries({}, optional={"disability_grade": disabilities}),
}
good_facts = {
    "MED": st.fixed_dictionaries({"self_pay_fen": costs, "hospital_grade": st.just(2)}),
    "DISAB": st.fixed_dictionaries({"disability_grade": disabilities}),
}
SMALL = {"self_pay_fen": 45_000, "hospital_grade": 2}
# What usually comes next, by status; the first is what the simplest failing life is made of.
NEXT = {
    "draft": ["hands_in", "hands_in", "hands_in", "hands_in", "withdraws"],
    "submitted": ["looks_through", "looks_through", "the_worker_runs"],
    "under_review": ["approves", "approves", "approves", "denies", "gives_back", "looks_through"],
    "waiting_for_member": ["hands_in", "hands_in", "withdraws"],
    "awaiting_second_approval": ["is_the_second"],
    "approved": ["asks_for_the_money_again", "records_a_bank_account", "the_worker_runs"],
    "paying": ["the_worker_runs", "money_ends_somewhere", "money_ends_somewhere"],
    "denied": ["appeals", "reopens"],
    "paid": ["appeals", "reopens", "opens"],
    "appealed": ["looks_through", "sends", "types_in_a_receipt"],
    "reopened": ["looks_through"],
    "withdrawn": ["opens"],
}
ANYTHING = [
    *sorted({act for acts in NEXT.values() for act in acts}),
    "captures",
    "lease_runs_out",
    "is_somebody_elses",
    "looks_at_a_file",
    "looks_at_a_signal",
    "releases",
    "submits",
    "takes",
    "types_in_a_receipt",
    "upholds",
    "withdraws",
]
