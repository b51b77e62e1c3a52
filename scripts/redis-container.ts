// Redis in Docker through testcontainers, a development dependency: loaded only when it is needed, and absent from the published package.

import { StoppedError } from "../src/job/errors.ts";

const IMAGE = "redis:8-alpine";
const PORT = 6379;

export interface RedisContainer {
  readonly url: string;
  /** Ends the server at once, as SIGKILL does. */
  kill(): Promise<void>;
  /** Starts the same container again: same port, same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function hasDockerEngine(): Promise<boolean> {
  try {
    const { getContainerRuntimeClient } = await import("testcontainers");
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}

/** Starts Redis with the settings that the fleet needs. `hostPort`: kept over restarts; without it Docker chooses one. */
export async function startRedisContainer({ hostPort }: { hostPort?: number } = {}): Promise<RedisContainer> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import("testcontainers");
  const command = ["redis-server", "--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"];
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts(hostPort === undefined ? PORT : { container: PORT, host: hostPort })
    .withCommand(command)
    .withWaitStrategy(Wait.forLogMessage("Ready to accept connections"))
    .start()
    .catch((error: Error) => {
      throw new StoppedError(
        `Redis can't be started in Docker: ${error.message}`,
        `Check that the image ${IMAGE} can be pulled, or set REDIS_URL.`,
      );
    });
  const engine = await getContainerRuntimeClient();
  const handle = engine.container.getById(container.getId());
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(PORT)}`,
    async kill() {
      await handle.kill({ signal: "SIGKILL" });
      await handle.wait();
    },
    async restart() {
      await handle.start();
    },
    async stop() {
      await container.stop();
    },
  };
}
