"""What every client does with the blobs of a finished report: fetches them by their links alone, and checks each digit."""

import csv
import decimal
import io
import ssl
import urllib.request

from harness import same

# A report of the sample data takes well under a second; a case that takes this long hangs.
REPORT_SECONDS_MAX = 120
# The sums have up to 30 digits; Python's own default would round them to 28.
decimal.getcontext().prec = 100
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def download(link, ca):
    """The bytes of a blob. The link alone is the permission: no header goes with it."""
    trust = ssl.create_default_context(cafile=ca)
    # Python 3.13 checks certificates strictly by default; older ones are asked to.
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    with urllib.request.urlopen(link, context=trust, timeout=REPORT_SECONDS_MAX) as response:
        same("status of a blob", response.status, 200)
        return response.read()


def check_costs(blobs, expected):
    """Fails unless the blobs together hold exactly the expected costs."""
    costs = [row["CostInBillingCurrency"] for blob in blobs for row in rows_of(blob)]
    same("number of rows", len(costs), len(expected["costs"]))
    same("float(cost) of each row", sorted(map(float, costs)), sorted(map(float, expected["costs"])))
    same("text of the costs", sorted(costs), sorted(expected["costs"]))
    same("exact total", f"{sum(map(decimal.Decimal, costs)):f}", expected["total"])


def rows_of(blob):
    """The rows of a blob, by column name. Every blob has the mark and the header."""
    assert blob.startswith(BYTE_ORDER_MARK), "a blob does not start with a byte order mark"
    return list(csv.DictReader(io.StringIO(blob.decode("utf-8-sig"), newline=""), strict=True))
