"""What batches and their files refuse."""

from app.kernel.problems import Conflict, Gone, NotFound, Problem, Unprocessable
from app.kernel.text import Text


class NothingToBatch(Conflict):
    code = "nothing-to-batch"
    title = Text("没有待批量给付的款项", "Nothing waits for a batch")
    detail = Text("目前没有等待批量付款的给付。", "No payout waits for a batch.")


class BatchNotFound(NotFound):
    code = "payout-batch-not-found"
    title = Text("没有这个批次", "No such batch")
    detail = Text("没有找到该付款批次。", "There is no such batch.")


class BatchNotByHand(Conflict):
    code = "batch-not-by-hand"
    title = Text("该批次由系统提交", "The worker hands it in")
    detail = Text(
        "该批次由系统向银行提交，不能手工提交。", "The worker hands this batch in itself."
    )


class BatchNotSubmitted(Conflict):
    code = "batch-not-submitted"
    title = Text("该批次尚未提交银行", "Not handed in yet")
    detail = Text("批次提交银行之后才有回盘文件。", "Results follow the hand-in.")


class FileLinkExpired(Gone):
    code = "batch-file-link-expired"
    title = Text("下载链接已失效", "The link is used up")
    detail = Text("链接只能由本人使用一次，60 秒内有效。", "A link opens once, within 60 seconds.")


class ResultUnreadable(Unprocessable):
    code = "result-unreadable"
    title = Text("回盘文件无法读取", "Result file not understood")
    detail = Text(
        "回盘文件须为 GB18030 编码的 CSV，列与约定一致。",
        "The result file is CSV in GB18030 with the agreed columns.",
    )


class ResultControlDiffers(Unprocessable):
    """Nothing of such a file is believed."""

    code = "result-control-differs"
    title = Text("回盘文件总笔数或总金额不符", "Count or sum differ")
    detail = Text(
        "文件所载总笔数、总金额与明细不符，未作任何处理。",
        "Count or sum of the file are not those of its lines; nothing was applied.",
    )


class ResultForeign(Unprocessable):
    code = "result-foreign"
    title = Text("回盘文件与批次不符", "Not a result of this batch")
    detail = Text(
        "文件含有不属于该批次的流水号、金额，或相互矛盾的行，未作任何处理。",
        "It has a number or amount that is not the batch's, or lines that contradict; nothing was"
        " applied.",
    )


class PayoutNotStoppable(Conflict):
    code = "payout-not-stoppable"
    title = Text("该笔给付不能停止", "It cannot be stopped")
    detail = Text(
        "款项已付、已失败，或已在银行处理中。",
        "It was paid, has failed, or is in the bank's hands.",
    )


class PayoutNotWaiting(Conflict):
    code = "payout-not-waiting-for-batch"
    title = Text("该笔给付不在等待批次", "It does not wait for a batch")
    detail = Text(
        "只有等待批次的给付可以改为单笔付款。", "Only what waits for a batch can go alone."
    )


class InAnotherBatch(Conflict):
    code = "payout-in-batch"
    title = Text("该笔给付已在批次中", "Already in a batch")
    detail = Text("一笔给付同时只在一个批次中。", "A payout is in one live batch.")


CONSTRAINTS: dict[str, type[Problem]] = {"uq_payout_batch_row__live": InAnotherBatch}
