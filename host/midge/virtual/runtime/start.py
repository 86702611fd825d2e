"""Start of the board: its own modules in place of the built-in ones, the flash as /, then the prompt."""

# mypy: ignore-errors


def start(variables):
    import json
    import os
    import sys

    settings = json.loads(os.getenv("MIDGE_BOARD"))
    sys.path[:] = [settings["runtime"]]

    import channel

    channel.open_channel(settings["channel"], settings["nudges"])

    import builtins
    import gc
    import streams
    import board_machine
    import board_micropython
    import board_os
    import board_select
    import board_sys
    import board_time
    import filesystem
    import repl

    extra = ()
    if settings["ble"]:
        import board_bluetooth

        extra = (("bluetooth", board_bluetooth),)
    streams.hide_frames(settings["runtime"])
    board_machine.setup(settings["cause"], bytes(settings["unique_id"]))
    board_os.setup(settings["name"])
    board_sys.setup(settings["native"])
    builtins.input = streams.ask
    sys.modules.clear()
    for name, module in (
        ("machine", board_machine),
        ("micropython", board_micropython),
        ("os", board_os),
        ("select", board_select),
        ("sys", board_sys),
        ("time", board_time),
    ) + extra:
        sys.modules[name] = sys.modules["u" + name] = module
    os.umount("/")
    os.mount(filesystem.Flash(settings["folder"]), "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]
    variables.clear()
    variables["__name__"] = "__main__"
    gc.collect()
    repl.serve(variables, settings["mode"] == "raw")


start(globals())
