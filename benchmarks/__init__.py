"""What the design promises about speed and size, measured: `./dev bench [NAME…]`.

figures.py   a figure: samples, aim, met or not
ground.py    what is measured on: a sandbox and a stack of its own, made when first needed, gone afterwards
up.py · sync.py · login.py · crowd.py · sandbox.py   one measurement each: `measure(ground) -> figures`

Figures are ratios inside one run, because machines differ and are shared; what is compared is measured in turn (A B A B …), so that
a busy moment meets both sides. May know everything, as `ops` may. No test asserts a time.
"""
