"""What the runtime asks of the supervisor: one packet there, one packet back. Read by both Pythons.

Request: six machine words (op, sequence, now_us, a, b, c), then payload.
Reply: six machine words (sequence, result, now_us, horizon_us, lines, 0), then payload. A negative result is
an errno; `lines` has a bit for every interrupt line that fired; the runtime may go on by itself up to
`horizon_us`.
"""

HEADER_WORDS = 6
MAX_PAYLOAD_BYTES = 16384

CLOCK = 1  # → now_us
WAIT = 2  # a = deadline_us or -1, b = WAKE_ON_… → WOKE_BY_…
READ = 3  # a = most bytes → count, payload
WRITE = 4  # payload → count
RUNNING = 5  # a = 1: user code runs, ^C interrupts it; 0: the REPL reads ^C itself
KBD_INTR = 6  # a = character or -1
TAKE_LINES = 7  # nothing but the lines that fired
RESET = 8  # a = RESET_…; never answered

I2C_SETUP = 16  # a = bus, b = freq_hz
I2C_WRITE = 17  # a = bus, b = address, payload → bytes acknowledged
I2C_READ = 18  # a = bus, b = address, c = count → payload
I2C_READ_MEM = 19  # a = bus, b = address | register << 8 | register bytes << 40, c = count → payload
I2C_WRITE_MEM = 20  # as I2C_READ_MEM, with payload
I2C_SCAN = 21  # a = bus → payload, an address a byte

PIN_SETUP = 32  # a = pin, b = 1 output, 0 input; c = value or -1
PIN_GET = 33  # a = pin → level
PIN_SET = 34  # a = pin, b = level
PIN_IRQ = 35  # a = pin, b = edges (1 rising, 2 falling, 0 off)
TIMER = 36  # a = timer, b = period_us (0 stops), c = 1 periodic

I2S_SETUP = 40  # a = port, b = rate_hz (0 stops), c = bits | stereo << 8 | ring bytes << 16
I2S_READ = 41  # a = port, b = most bytes → payload
I2S_WANT = 42  # a = port, b = bytes: I2S_LINE fires when so many wait

FLASH = 48  # a = FLASH_…, b = bytes about to be written → 0
STATVFS = 49  # → payload: total and free blocks, two machine words

BLE = 56  # a = BLE_…, b, c and payload as there

BLE_ACTIVE = 0  # b = 1 on, 0 off
BLE_CONFIG = 1  # b = 0: c = mtu; b = 1: payload = GAP name
BLE_ADVERTISE = 2  # b = interval_us or -1 to stop, c = connectable | bytes << 1 of the first part
BLE_REGISTER = 3  # payload = JSON services → payload: value handles, two bytes each
BLE_READ = 4  # b = handle → payload
BLE_WRITE = 5  # b = handle, c = 1: send it; payload
BLE_NOTIFY = 6  # b = connection | handle << 16, c = 1: the value of the attribute, 2: indicate; payload
BLE_BUFFER = 7  # b = handle, c = append | bytes << 1
BLE_DISCONNECT = 8  # b = connection
BLE_NEXT = 9  # → payload: the next event, b'' if there is none
BLE_ADDRESS = 10  # → address type, payload: the address, first byte first

WAKE_ON_INPUT = 1
WAKE_ON_LINE = 2
WOKE_BY_DEADLINE = 1
WOKE_BY_INPUT = 2
WOKE_BY_LINE = 4

RESET_HARD = 0
RESET_SOFT = 1
RESET_SOFT_RAW = 2

FLASH_OPEN = 0
FLASH_WRITE = 1
FLASH_RENAME = 2
FLASH_REMOVE = 3
FLASH_MKDIR = 4

PIN_LINES = 32  # interrupt lines 0…31 are pins, from 32 on timers
TIMER_LINES = 16
RADIO_LINE = 48
I2S_LINE = 49
N_LINES = 50
FLASH_BLOCK_BYTES = 4096
