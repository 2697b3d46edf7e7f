# The router and the lessons on Debian 12, made by the same scripts as on any machine.
FROM debian:12
WORKDIR /crosspoint
# First what the packages depend on, so that a change in the code does not install them again.
COPY bin/setup bin/setup
COPY lessons/package.json lessons/package-lock.json lessons/.npmrc lessons/
RUN bin/setup
COPY . .
RUN bin/setup && bin/build
ENTRYPOINT ["build/bin/crosspoint"]
CMD ["start", "--cbdir", "/node/.crossbar"]
