import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;

/** What the programs in this folder share: where the server is, and how a check ends. */
final class Check {
    static final String HOST = "127.0.0.1";
    static final int PORT = Integer.parseInt(System.getenv("LARDER_PORT"));

    private Check() {}

    static void equal(Object got, Object wanted) {
        if (!Objects.equals(got, wanted)) {
            throw new AssertionError("wanted " + wanted + ", got " + got);
        }
    }

    static void that(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** Fails unless the call, or what caused its failure, says {@code text}. */
    static void fails(String text, Callable<?> call) {
        Object got;
        try {
            got = call.call();
        } catch (Exception error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                if (String.valueOf(cause.getMessage()).contains(text)) {
                    return;
                }
            }
            throw new AssertionError("wanted an error with: " + text, error);
        }
        throw new AssertionError("wanted an error with: " + text + ", got " + got);
    }

    /** Waits until the condition holds, for at most ten seconds. */
    static void until(String what, BooleanSupplier condition) throws InterruptedException {
        for (long end = System.nanoTime() + 10_000_000_000L; !condition.getAsBoolean(); Thread.sleep(5)) {
            that(System.nanoTime() < end, "waited in vain: " + what);
        }
    }

    /** The one line that tells what was checked; ends the program, whatever threads the library still has. */
    static void done(String library, Class<?> of, String told) {
        String file = of.getProtectionDomain().getCodeSource().getLocation().getPath();
        String version = file.replaceAll(".*/" + library + "-(.*)\\.jar", "$1");
        System.out.println(library + " " + version + ": " + told);
        System.exit(0);
    }
}
